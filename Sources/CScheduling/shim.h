// Glibc declares these for _GNU_SOURCE alone, which Swift's Glibc module is built without.
#pragma once
#include <stddef.h>

int sched_getaffinity(int pid, size_t size, void *mask);
int memfd_create(const char *name, unsigned int flags);
enum { alexnet_memfd_cloexec = 1 };

// Which of the instruction sets that there are kernels for this processor (and its operating system) has:
// 2 for AVX-512 (F, VL, DQ, BW), 1 for AVX2 with FMA, 0 for neither.
static inline int alexnet_instruction_set(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
  return 0;
}
