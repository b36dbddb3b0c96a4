// gcc -O3 -march=native -fopenmp limits.c -o limits
// What the machine can do at most, at the vector width that it has: fused multiply-adds from registers, and STREAM's triad.
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX2__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
#define ACCUMULATORS 12

#define PEAK(NAME, T)                                                                                         \
    typedef T NAME##_vector __attribute__((vector_size(WIDTH)));                                              \
    static double NAME(int threads)                                                                           \
    {                                                                                                         \
        const long rounds = 20000000;                                                                         \
        double best = 0;                                                                                      \
        for (int trial = 0; trial < 5; trial++) {                                                             \
            double start = omp_get_wtime();                                                                   \
            _Pragma("omp parallel num_threads(threads)")                                                      \
            {                                                                                                 \
                NAME##_vector a[ACCUMULATORS], b = (NAME##_vector){} + (T)0.999999, c = b - (T)0.9999989;     \
                for (int i = 0; i < ACCUMULATORS; i++)                                                        \
                    a[i] = (NAME##_vector){} + (T)(1e-9 * i);                                                 \
                for (long round = 0; round < rounds; round++) {                                               \
                    for (int i = 0; i < ACCUMULATORS; i++)                                                    \
                        a[i] = a[i] * b + c;                                                                  \
                    __asm__ volatile("" ::"x"(a[0]));                                                         \
                }                                                                                             \
                for (int i = 1; i < ACCUMULATORS; i++)                                                        \
                    a[0] += a[i];                                                                             \
                __asm__ volatile("" ::"x"(a[0]));                                                             \
            }                                                                                                 \
            double flops = 2.0 * threads * rounds * ACCUMULATORS * (WIDTH / sizeof(T));                       \
            double rate = flops / (omp_get_wtime() - start) / 1e9;                                            \
            if (rate > best)                                                                                  \
                best = rate;                                                                                  \
        }                                                                                                     \
        return best;                                                                                          \
    }

PEAK(peak_f32, float)
PEAK(peak_f64, double)

static double triad(int threads, size_t count)
{
    double *a = aligned_alloc(64, count * 8), *b = aligned_alloc(64, count * 8), *c = aligned_alloc(64, count * 8);
    if (!a || !b || !c)
        exit(1);
#pragma omp parallel for num_threads(threads)
    for (size_t i = 0; i < count; i++)
        a[i] = 1, b[i] = 2, c[i] = 3;
    double best = 1e9;
    for (int trial = 0; trial < 20; trial++) {
        double start = omp_get_wtime();
#pragma omp parallel for num_threads(threads) schedule(static)
        for (size_t i = 0; i < count; i++)
            a[i] = b[i] + 3.0 * c[i];
        __asm__ volatile("" ::: "memory");
        double seconds = omp_get_wtime() - start;
        if (seconds < best)
            best = seconds;
    }
    free(a), free(b), free(c);
    return 24.0 * count / best / 1e9;
}

int main(void)
{
    for (int threads = 1; threads <= 2; threads++) {
        printf("{\"name\":\"fma_peak_f32_%d\",\"threads\":%d,\"gflops\":%.1f}\n", WIDTH * 8, threads, peak_f32(threads));
        printf("{\"name\":\"fma_peak_f64_%d\",\"threads\":%d,\"gflops\":%.1f}\n", WIDTH * 8, threads, peak_f64(threads));
        size_t sizes[] = {100000, 1000000, 8000000, 40000000};
        for (int i = 0; i < 4; i++)
            printf("{\"name\":\"triad\",\"threads\":%d,\"n_doubles\":%zu,\"GBps\":%.1f}\n", threads, sizes[i], triad(threads, sizes[i]));
        fflush(stdout);
    }
}
