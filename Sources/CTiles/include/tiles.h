// Products of matrices of bfloat16 numbers by the tiles of newer Intel processors (AMX), for which Debian's LIBXSMM
// writes no code.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Whether the processor has tiles and the kernel lets this process use them. It asks the kernel, so it comes before the
// first product; the answer is for all threads.
bool tiles_are_available(void);

// C <- A B, or C <- C + A B, added up in floats, each element in the order of `inner`: A is rows x inner, B inner x columns
// in pairs of rows (a word's lower half is the first of its pair), C rows x columns. `inner` is even. A stride is the
// distance between rows: of A in numbers, of B (pairs of rows) in words, of C in floats.
void tiles_multiply(
    long rows, long columns, long inner, const uint16_t *a, long a_stride, const uint32_t *b, long b_stride,
    float *c, long c_stride, bool accumulates);
