#include "include/tiles.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// From <asm/prctl.h>, where older systems do not have them.
enum { request_permission = 0x1023, tile_data = 18 };

bool tiles_are_available(void) {
  unsigned a, b, c, d;
  const unsigned bf16 = 1u << 22, tile = 1u << 24;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (bf16 | tile)) != (bf16 | tile)) return false;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

#define WITH_TILES __attribute__((target("amx-tile,amx-bf16")))

// How many rows each tile has, and how many bytes a row: what the processor reads.
struct shapes {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
};

// A block of the result: a tile has 16 rows and 16 columns at most, so there are two of each. Depth is the length of a
// tile of A, 32 numbers at most.
struct block {
  int rows[2], columns[2], depth;
};

// Tiles 0 to 3 are the result, row by row; 4 and 5 are rows of A, 6 and 7 columns of B.
WITH_TILES static void take(const struct block *block) {
  struct shapes shapes;
  memset(&shapes, 0, sizeof shapes);
  shapes.palette = 1;
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) {
      // A tile has both or none.
      if (!block->rows[i] || !block->columns[j]) continue;
      shapes.rows[2 * i + j] = block->rows[i];
      shapes.bytes[2 * i + j] = 4 * block->columns[j];
    }
    if (block->rows[i]) {
      shapes.rows[4 + i] = block->rows[i];
      shapes.bytes[4 + i] = 2 * block->depth;
    }
    if (block->columns[i]) {
      shapes.rows[6 + i] = block->depth / 2;
      shapes.bytes[6 + i] = 4 * block->columns[i];
    }
  }
  _tile_loadconfig(&shapes);
}

// `lower` and `right` say whether the second rows and columns are there; each of the four cases is compiled for itself.
WITH_TILES static inline __attribute__((always_inline)) void multiply_block(
    bool lower, bool right, long inner, int depth, const uint16_t *a, long a_stride, const uint32_t *b,
    long b_stride, float *c, long c_stride, bool accumulates) {
  float *below = c + 16 * c_stride;
  if (accumulates) {
    _tile_loadd(0, c, 4 * c_stride);
    if (right) _tile_loadd(1, c + 16, 4 * c_stride);
    if (lower) _tile_loadd(2, below, 4 * c_stride);
    if (lower && right) _tile_loadd(3, below + 16, 4 * c_stride);
  } else {
    _tile_zero(0);
    if (right) _tile_zero(1);
    if (lower) _tile_zero(2);
    if (lower && right) _tile_zero(3);
  }
  for (long k = 0; k < inner; k += depth) {
    const uint32_t *pairs = b + k / 2 * b_stride;
    _tile_loadd(4, a + k, 2 * a_stride);
    _tile_loadd(6, pairs, 4 * b_stride);
    _tile_dpbf16ps(0, 4, 6);
    if (right) {
      _tile_loadd(7, pairs + 16, 4 * b_stride);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (lower) {
      _tile_loadd(5, a + k + 16 * a_stride, 2 * a_stride);
      _tile_dpbf16ps(2, 5, 6);
      if (right) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, c, 4 * c_stride);
  if (right) _tile_stored(1, c + 16, 4 * c_stride);
  if (lower) _tile_stored(2, below, 4 * c_stride);
  if (lower && right) _tile_stored(3, below + 16, 4 * c_stride);
}

static int smaller(long a, int b) { return a < b ? (int)a : b; }

WITH_TILES void tiles_multiply(
    long rows, long columns, long inner, const uint16_t *a, long a_stride, const uint32_t *b, long b_stride,
    float *c, long c_stride, bool accumulates) {
  struct block taken = {{0, 0}, {0, 0}, 0};
  // Whole depths first, then what is left of `inner`.
  const long whole = inner / 32 * 32;
  for (int part = 0; part < 2; part++) {
    const long first = part ? whole : 0, length = part ? inner - whole : whole;
    if (!length) continue;
    for (long j = 0; j < columns; j += 32) {
      for (long i = 0; i < rows; i += 32) {
        struct block block;
        block.rows[0] = smaller(rows - i, 16);
        block.rows[1] = smaller(rows - i - block.rows[0], 16);
        block.columns[0] = smaller(columns - j, 16);
        block.columns[1] = smaller(columns - j - block.columns[0], 16);
        block.depth = smaller(length, 32);
        if (memcmp(&block, &taken, sizeof block)) {
          take(&block);
          taken = block;
        }
        const uint16_t *own = a + i * a_stride + first;
        const uint32_t *other = b + first / 2 * b_stride + j;
        float *result = c + i * c_stride + j;
        const bool adds = accumulates || (part && whole);
#define MULTIPLY(lower, right) \
  multiply_block( \
      lower, right, length, block.depth, own, a_stride, other, b_stride, result, c_stride, adds)
        if (block.rows[1] && block.columns[1]) {
          MULTIPLY(true, true);
        } else if (block.rows[1]) {
          MULTIPLY(true, false);
        } else if (block.columns[1]) {
          MULTIPLY(false, true);
        } else {
          MULTIPLY(false, false);
        }
      }
    }
  }
  // A thread without tiles is switched sooner.
  _tile_release();
}
#else
bool tiles_are_available(void) { return false; }

void tiles_multiply(
    long rows, long columns, long inner, const uint16_t *a, long a_stride, const uint32_t *b, long b_stride,
    float *c, long c_stride, bool accumulates) {
  (void)rows, (void)columns, (void)inner, (void)a, (void)a_stride, (void)b, (void)b_stride, (void)c,
      (void)c_stride, (void)accumulates;
  __builtin_trap();
}
#endif
