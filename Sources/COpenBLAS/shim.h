#pragma once
#include <cblas.h>

// The library's choice of kernels for a processor, which it makes when it is loaded, undone and made; where a build has none,
// these are missing.
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));
static inline int alexnet_choose_kernels_again(void) {
  if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init) return 0;
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  return 1;
}
