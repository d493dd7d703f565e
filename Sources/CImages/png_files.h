// PNG files, written and read by libpng alone.
#pragma once
#include <png.h>
#include <stddef.h>
#include <string.h>

#include "outcomes.h"

/// Decodes a PNG of exactly `side` x `side` into RGB bytes.
static inline int alexnet_png_decode(const void *bytes, size_t length, int side,
                                     unsigned char *output) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, bytes, length)) return ALEXNET_IMAGE_UNREADABLE;
  int fits = image.width == (png_uint_32)side && image.height == (png_uint_32)side;
  image.format = PNG_FORMAT_RGB;
  // White behind what is transparent, as in preparation.
  png_color white = {255, 255, 255};
  if (!fits || !png_image_finish_read(&image, &white, output, side * 3, NULL)) {
    png_image_free(&image);
    return ALEXNET_IMAGE_CORRUPT;
  }
  return ALEXNET_IMAGE_FINE;
}

/// Encodes RGB or gray bytes as PNG into memory of `*length` bytes; sets `*length` to what was written.
static inline int alexnet_png_encode(const unsigned char *pixels, int width, int height, int bands,
                                     void *memory, size_t *length) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = bands == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = *length;
  int written =
      png_image_write_to_memory(&image, memory, &size, 0, pixels, width * bands, NULL);
  *length = size;
  if (!written) png_image_free(&image);
  return written ? ALEXNET_IMAGE_FINE : ALEXNET_IMAGE_CORRUPT;
}

/// Room that a PNG of that many pixel bytes can never exceed.
static inline size_t alexnet_png_room(int width, int height, int bands) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.width = width;
  image.height = height;
  image.format = bands == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  return PNG_IMAGE_PNG_SIZE_MAX(image);
}
