/* What a thread keeps to itself, which Swift cannot spell: the nanoseconds that it has waited for locks. */
#pragma once
#include <stdint.h>

extern _Thread_local uint64_t cs_waited_of_thread;

static inline uint64_t cs_waited_nanoseconds(void) { return cs_waited_of_thread; }
static inline void cs_count_wait(uint64_t nanoseconds) { cs_waited_of_thread += nanoseconds; }
