/* Process calls that Swift's Glibc module hides. No logic. */
#pragma once
#include <sys/types.h>
#include <unistd.h>

static inline pid_t cs_fork(void) { return fork(); }
