/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the memfisd authors */
/* hitratio - replays the same seeded request streams against servers that speak the memcached text protocol, as a
 * cache in front of something slow: get, and on a miss set. Prints the share of hits.
 *
 *   cc -O2 -o hitratio hitratio.c -lm
 *   ./hitratio KEYS REQUESTS CACHE_MIB NAME=HOST:PORT [NAME=HOST:PORT ...]
 *
 * Every workload begins with flush_all. Keys are 20 bytes. A workload's first third only warms the cache. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t state;
static uint64_t draw(void)
{
    uint64_t x = (state += 0x9e3779b97f4a7c15u);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
static uint64_t mix(uint64_t x) { uint64_t s = state, r; state = x; r = draw(); state = s; return r; }
static double uniform(void) { return (double)(draw() >> 11) / 9007199254740992.0; }

/* Zipf ranks by bisection of the cumulative weights. */
static double *weights;
static uint64_t weight_count;
static void zipf_prepare(uint64_t n, double theta)
{
    weights = realloc(weights, n * sizeof *weights);
    weight_count = n;
    double sum = 0;
    for (uint64_t i = 0; i < n; i++)
        weights[i] = sum += pow((double)i + 1, -theta);
}
static uint64_t zipf(void)
{
    double u = uniform() * weights[weight_count - 1];
    uint64_t low = 0, high = weight_count - 1;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (weights[middle] < u) low = middle + 1; else high = middle;
    }
    return low;
}

static uint64_t keys, requests, cache_items;
/* Each workload gives the key of request number i. */
static uint64_t plain(uint64_t i) { (void)i; return zipf(); }
static uint64_t scans(uint64_t i)
{
    /* Every 60,000 requests a scan of 15,000 keys that never come again is mixed in. */
    static uint64_t fresh;
    if (i == 0) fresh = keys;
    return i % 60000 < 30000 && i % 2 ? fresh++ : zipf();
}
static uint64_t loop(uint64_t i) { return i % (cache_items + cache_items / 10); }
static uint64_t shifting(uint64_t i) { return (zipf() + i / 20000 * (keys / 40)) % keys; }

static const struct { const char *name; double theta; uint64_t (*next)(uint64_t); } workloads[] = {
    {"Zipf 0.8", 0.8, plain}, {"Zipf 1.0", 1.0, plain}, {"Zipf 0.9 with scans", 0.9, scans},
    {"loop, 1.1 of the cache", 0, loop}, {"shifting hot set", 0.9, shifting},
};

static int dial(const char *address)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
    inet_pton(AF_INET, host, &a.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (void *)&a, sizeof a)) { perror(address); exit(2); }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static char in[1 << 20], out[1 << 16];
static size_t ask(int fd, size_t length, const char *end)
{
    if (send(fd, out, length, MSG_NOSIGNAL) != (ssize_t)length) { perror("send"); exit(2); }
    size_t got = 0, tail = strlen(end);
    for (;;) {
        ssize_t n = recv(fd, in + got, sizeof in - got, 0);
        if (n <= 0) { perror("recv"); exit(2); }
        got += (size_t)n;
        if (got >= tail && !memcmp(in + got - tail, end, tail)) return got;
    }
}

static double run(const char *address, int w, int mixed)
{
    int fd = dial(address);
    ask(fd, (size_t)sprintf(out, "flush_all\r\n"), "OK\r\n");
    sleep(2); /* items of the second of a flush must not be taken for older ones */
    state = 42;
    if (workloads[w].theta > 0) zipf_prepare(keys, workloads[w].theta);
    uint64_t hits = 0, counted = 0, refused = 0;
    for (uint64_t i = 0; i < requests; i++) {
        uint64_t key = workloads[w].next(i);
        size_t size = mixed ? 64 + mix(key) % 4033 : 500;
        size_t n = (size_t)sprintf(out, "get key:%016llu\r\n", (unsigned long long)key);
        int hit = ask(fd, n, "END\r\n") > 5;
        if (i >= requests / 3) counted++, hits += (uint64_t)hit;
        if (hit) continue;
        n = (size_t)sprintf(out, "set key:%016llu 0 0 %zu\r\n", (unsigned long long)key, size);
        memset(out + n, 'v', size);
        memcpy(out + n + size, "\r\n", 2);
        if (ask(fd, n + size + 2, "\r\n") != 8) refused++;
    }
    close(fd);
    if (refused) fprintf(stderr, "%s: %llu sets refused\n", address, (unsigned long long)refused);
    return 100.0 * (double)hits / (double)counted;
}

int main(int argc, char **argv)
{
    if (argc < 5) return fprintf(stderr, "usage: hitratio KEYS REQUESTS CACHE_MIB NAME=HOST:PORT ...\n"), 2;
    keys = strtoull(argv[1], 0, 10);
    requests = strtoull(argv[2], 0, 10);
    for (int mixed = 0; mixed < 2; mixed++) {
        cache_items = strtoull(argv[3], 0, 10) * (1 << 20) / (mixed ? 2160 : 580);
        printf("%s values, -m %s, %llu keys, %llu requests\n", mixed ? "64 to 4096 byte" : "500 byte", argv[3],
               (unsigned long long)keys, (unsigned long long)requests);
        for (size_t w = 0; w < sizeof workloads / sizeof *workloads; w++) {
            printf("  %-24s", workloads[w].name);
            for (int a = 4; a < argc; a++) {
                char *address = strchr(argv[a], '=');
                printf("  %.*s %6.2f %%", (int)(address - argv[a]), argv[a], run(address + 1, (int)w, mixed));
                fflush(stdout);
            }
            printf("\n");
        }
    }
    return 0;
}
