#pragma once
#include <libxsmm.h>

/// Runs a kernel. Its type takes any number of arguments, which Swift cannot call.
static inline void xsmm_run(libxsmm_smmfunction kernel, const float *a, const float *b, float *c) {
  kernel(a, b, c);
}
