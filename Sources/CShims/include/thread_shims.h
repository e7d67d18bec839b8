/* What a thread keeps to itself, which Swift cannot spell: the nanoseconds that it has waited for locks;
 * and its number in the kernel. */
#pragma once
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

extern _Thread_local uint64_t cs_waited_of_thread;

static inline uint64_t cs_waited_nanoseconds(void) { return cs_waited_of_thread; }
static inline void cs_count_wait(uint64_t nanoseconds) { cs_waited_of_thread += nanoseconds; }

static inline int32_t cs_thread_number(void) { return (int32_t)syscall(SYS_gettid); }
