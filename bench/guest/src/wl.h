/* What the guest workloads share: clock, deterministic random numbers,
 * a running checksum and the one result line that every workload prints. */
#ifndef WL_H
#define WL_H
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t wl_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)(t.tv_nsec / 1000);
}

/* xorshift32: the same stream on every machine */
static uint32_t wl_seed = 0x9e3779b9u;
static inline uint32_t wl_rand(void)
{
    uint32_t x = wl_seed;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return wl_seed = x;
}

/* order-dependent 32-bit mixing checksum */
static uint32_t wl_chk = 0x811c9dc5u;
static inline void wl_mix(uint32_t v)
{
    wl_chk = (wl_chk ^ v) * 0x01000193u;
    wl_chk ^= wl_chk >> 15;
}
static inline void wl_mix_double(double d)
{
    uint64_t b;
    memcpy(&b, &d, 8);
    wl_mix((uint32_t)b);
    wl_mix((uint32_t)(b >> 32));
}

/* "ops" is the workload's own unit of work (named by unit); host-side tools
 * turn it into a rate. Times inside the guest are only informative. */
static inline void wl_done(const char *name, uint64_t t0, double ops, const char *unit)
{
    uint64_t us = wl_now_us() - t0;
    printf("@@RES name=%s chk=%08x guest_us=%llu ops=%.0f unit=%s\n",
           name, wl_chk, (unsigned long long)us, ops, unit);
    fflush(stdout);
}

static inline long wl_arg(int argc, char **argv, int i, long dflt)
{
    return argc > i ? strtol(argv[i], 0, 0) : dflt;
}

/* Hot functions start on a page of their own: a loop that happens to cross a page
 * boundary costs QEMU and others several times as much, and the linker would
 * decide which one. The workload "pagecross" measures that case on purpose. */
#define WL_NOINLINE __attribute__((noinline, noclone))
#define WL_HOT __attribute__((noinline, noclone, aligned(4096)))
#endif
