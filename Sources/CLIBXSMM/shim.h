#pragma once
#include <libxsmm.h>

/// Runs a kernel. Its type takes any number of arguments, which Swift cannot call.
static inline void xsmm_run(libxsmm_smmfunction kernel, const float *a, const float *b, float *c) {
  kernel(a, b, c);
}

/// Runs a kernel whose factors are bfloat16 and whose result is float.
static inline void xsmm_run_bf16(
    libxsmm_bsmmfunction kernel, const uint16_t *a, const uint16_t *b, float *c) {
  kernel(a, b, c);
}
