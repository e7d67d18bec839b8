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

/* Sets or clears bits. */
static inline void cs_or32(uint32_t *p, uint32_t bits) { __atomic_fetch_or(p, bits, __ATOMIC_RELAXED); }
static inline void cs_and32(uint32_t *p, uint32_t bits) { __atomic_fetch_and(p, bits, __ATOMIC_RELAXED); }
/* Lowers the word by one if it is still `v`. */
static inline void cs_take_back64(uint64_t *p, uint64_t v)
{
    __atomic_compare_exchange_n(p, &v, v - 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
/* Raises the word to `v` if it is below. */
static inline void cs_max64(uint64_t *p, uint64_t v)
{
    uint64_t seen = __atomic_load_n(p, __ATOMIC_RELAXED);
    while (seen < v && !__atomic_compare_exchange_n(p, &seen, v, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

#ifdef __SSE2__
#include <emmintrin.h>
#endif
/* A bit for each of the 12 bytes at `p` (16 are readable) that equals `byte`. */
static inline uint32_t cs_match_bytes12(const void *p, uint8_t byte)
{
#ifdef __SSE2__
    __m128i line = _mm_loadu_si128((const __m128i *)p);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(line, _mm_set1_epi8((char)byte))) & 0xfffu;
#else
    uint32_t bits = 0;
    for (int i = 0; i < 12; i++)
        bits |= (uint32_t)(((const uint8_t *)p)[i] == byte) << i;
    return bits;
#endif
}

/* Reads a word that another thread may be writing, for a hint only. */
__attribute__((no_sanitize("thread")))
static inline uint32_t cs_peek32(const void *p)
{
    return *(const volatile uint32_t *)p;
}
