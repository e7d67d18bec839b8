/* Memory primitives that Swift cannot spell: prefetch, atomics on raw memory,
 * and XXH3 (libxxhash, compiled inline). No logic. */
#pragma once
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static inline void cs_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

static inline uint64_t cs_hash(const void *bytes, size_t count, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, count, seed);
}

static inline uint32_t cs_load32(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline uint32_t cs_load32_acquire(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void cs_store32(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
static inline void cs_store32_release(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
/* Both return the new value. */
static inline uint32_t cs_add32(uint32_t *p, uint32_t n) { return __atomic_add_fetch(p, n, __ATOMIC_ACQ_REL); }
static inline uint32_t cs_sub32(uint32_t *p, uint32_t n) { return __atomic_sub_fetch(p, n, __ATOMIC_ACQ_REL); }

static inline uint64_t cs_load64(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline void cs_store64(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
static inline uint64_t cs_add64(uint64_t *p, uint64_t n) { return __atomic_add_fetch(p, n, __ATOMIC_RELAXED); }
static inline uint64_t cs_sub64(uint64_t *p, uint64_t n) { return __atomic_sub_fetch(p, n, __ATOMIC_RELAXED); }
