/* libfuse3's low-level interface as Swift sees it. Macros that Swift cannot
 * import get a static inline function here; no logic. */
#pragma once
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
