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

/* Whether two runs of `count` bytes are the same. Keys are short: words are compared without a call; no byte outside of
 * the runs is read. */
static inline _Bool cs_equal(const void *a, const void *b, size_t count)
{
    const char *p = (const char *)a, *q = (const char *)b;
    uint64_t x, y, u, v;
    if (count > 64) return memcmp(p, q, count) == 0;
    if (count < 8) {
        for (size_t i = 0; i < count; i++)
            if (p[i] != q[i]) return 0;
        return 1;
    }
    for (size_t i = 0; i + 8 < count; i += 8) {
        memcpy(&x, p + i, 8);
        memcpy(&y, q + i, 8);
        if (x != y) return 0;
    }
    memcpy(&u, p + count - 8, 8);
    memcpy(&v, q + count - 8, 8);
    return u == v;
}

#ifdef __SSE2__
/* Copies of up to 32 bytes without a call; longer ones by memcpy. */
static inline void cs_copy(void *to, const void *from, size_t count)
{
    char *t = (char *)to;
    const char *f = (const char *)from;
    if (count > 32 || count < 8) {
        memcpy(t, f, count);
    } else if (count >= 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)f), b = _mm_loadu_si128((const __m128i *)(f + count - 16));
        _mm_storeu_si128((__m128i *)t, a);
        _mm_storeu_si128((__m128i *)(t + count - 16), b);
    } else {
        uint64_t a, b;
        memcpy(&a, f, 8);
        memcpy(&b, f + count - 8, 8);
        memcpy(t, &a, 8);
        memcpy(t + count - 8, &b, 8);
    }
}

/* The place of the first `byte` in `count` bytes from `bytes` on, or `count`: sixteen at a time for a start, since words and
 * lines are short. */
static inline size_t cs_find_near(const void *bytes, int byte, size_t count)
{
    const char *p = (const char *)bytes;
    __m128i wanted = _mm_set1_epi8((char)byte);
    size_t at = 0;
    for (; at + 16 <= count && at < 64; at += 16) {
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + at)), wanted));
        if (hits) return at + (size_t)__builtin_ctz(hits);
    }
    if (at >= 64) {
        const char *hit = (const char *)memchr(p + at, byte, count - at);
        return hit ? (size_t)(hit - p) : count;
    }
    if (count >= 16 && at < count) {
        /* The last sixteen, of which the first were seen to have none. */
        unsigned hits = (unsigned)_mm_movemask_epi8(
            _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + count - 16)), wanted));
        return hits ? count - 16 + (size_t)__builtin_ctz(hits) : count;
    }
    for (; at < count; at++)
        if (p[at] == (char)byte) return at;
    return count;
}
/* The place of the last byte that is `a`, `b` or `c` in `count` bytes from `bytes` on, or `count`. */
static inline size_t cs_find_last3(const void *bytes, size_t count, int a, int b, int c)
{
    const char *p = (const char *)bytes;
    __m128i first = _mm_set1_epi8((char)a), second = _mm_set1_epi8((char)b), third = _mm_set1_epi8((char)c);
    size_t end = count;
    for (; end >= 16; end -= 16) {
        __m128i word = _mm_loadu_si128((const __m128i *)(p + end - 16));
        __m128i equal = _mm_or_si128(_mm_cmpeq_epi8(word, first), _mm_cmpeq_epi8(word, second));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_or_si128(equal, _mm_cmpeq_epi8(word, third)));
        if (hits) return end - 1 - ((size_t)__builtin_clz(hits) - 16);
    }
    while (end-- > 0)
        if (p[end] == (char)a || p[end] == (char)b || p[end] == (char)c) return end;
    return count;
}
#else
static inline size_t cs_find_last3(const void *bytes, size_t count, int a, int b, int c)
{
    const char *p = (const char *)bytes;
    for (size_t end = count; end-- > 0;)
        if (p[end] == (char)a || p[end] == (char)b || p[end] == (char)c) return end;
    return count;
}
static inline void cs_copy(void *to, const void *from, size_t count) { memcpy(to, from, count); }
static inline size_t cs_find_near(const void *bytes, int byte, size_t count)
{
    const char *hit = count ? (const char *)memchr(bytes, byte, count) : 0;
    return hit ? (size_t)(hit - (const char *)bytes) : count;
}
#endif
