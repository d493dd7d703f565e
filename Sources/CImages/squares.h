// Pictures in files and in memory, made square.
#pragma once
#include <pthread.h>

#include "conversions.h"

/// A picture of which only the header has been read.
struct alexnet_vips_header {
  VipsImage *picture;
  int width, height, bands, pixel_bytes;
  int is_interlaced;  // a progressive JPEG, or one of several scans, too
  int is_integer;     // of 8 or 16 bits without a sign
  int is_lab;
  int frames;
};

/// Whether a picture's header has a field that is there and not 0.
static inline int alexnet_vips_is_set(VipsImage *picture, const char *field) {
  int value = 0;
  return vips_image_get_typeof(picture, field) && !vips_image_get_int(picture, field, &value) &&
         value;
}

/// Reads a picture's header, and returns whether that could be done.
///
/// `vips_thumbnail_buffer` would do for all of it, were it not deaf to `fail_on` in libvips 8.14: it makes up the rest
/// of a truncated picture. So the picture is opened here, and big JPEGs later at a fraction of their size.
static inline int alexnet_vips_open(const void *bytes, size_t length, int is_pnm,
                                    struct alexnet_vips_header *header) {
  VipsImage *picture;
  if (is_pnm) {
    // libvips reads these from a source alone; from memory it leaves them to ImageMagick, which knows no long ones.
    VipsSource *source = vips_source_new_from_memory(bytes, length);
    picture = vips_image_new_from_source(source, "", "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                         VIPS_FAIL_ON_TRUNCATED, NULL);
    g_object_unref(source);
  } else {
    picture = vips_image_new_from_buffer(bytes, length, "", "access", VIPS_ACCESS_SEQUENTIAL,
                                         "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
  }
  if (!picture) {
    vips_error_clear();
    return 0;
  }
  header->picture = picture;
  header->width = picture->Xsize;
  header->height = picture->Ysize;
  header->bands = picture->Bands;
  header->pixel_bytes = VIPS_IMAGE_SIZEOF_PEL(picture);
  header->is_integer =
      picture->BandFmt == VIPS_FORMAT_UCHAR || picture->BandFmt == VIPS_FORMAT_USHORT;
  header->is_lab = picture->Type == VIPS_INTERPRETATION_LAB ||
                   picture->Type == VIPS_INTERPRETATION_LABQ ||
                   picture->Type == VIPS_INTERPRETATION_LABS;
  header->frames = vips_image_get_n_pages(picture);
  header->is_interlaced = alexnet_vips_is_set(picture, "interlaced") ||
                          alexnet_vips_is_set(picture, "jpeg-multiscan");
  return 1;
}

/// Gives back a picture that is not wanted.
static inline void alexnet_vips_close(struct alexnet_vips_header header) {
  g_object_unref(header.picture);
}

/// Pictures of fewer pixels are reduced without vector code, which would take longer to make than to use.
enum { alexnet_vector_pixels = 1 << 16 };

/// Takes the lock under which reductions are planned and given back, and says whether they may use vector code.
///
/// liborc 0.4, which makes that code for libvips, is not safe to use in two threads at once: it crashed once in some
/// thousand pictures. What it has made may run anywhere.
static inline void alexnet_vips_plan(pthread_mutex_t *planning, int width, int height) {
  pthread_mutex_lock(planning);
  vips_vector_set_enabled((int64_t)width * height >= alexnet_vector_pixels);
}

/// Gives back a reduced picture under the lock.
static inline void alexnet_vips_give_back(pthread_mutex_t *planning, VipsImage *picture) {
  pthread_mutex_lock(planning);
  g_object_unref(picture);
  pthread_mutex_unlock(planning);
}

/// Reduces a picture as far as it is larger than the square, both sides to it or the shorter one; nothing is computed yet.
/// Takes over the reference.
static inline VipsImage *alexnet_vips_reduced(VipsImage *picture, int side, int squeeze) {
  int width = picture->Xsize, height = picture->Ysize;
  VipsImage *next = NULL;
  int code;
  if (squeeze)
    code = vips_thumbnail_image(picture, &next, width < side ? width : side, "height",
                                height < side ? height : side, "size", VIPS_SIZE_FORCE, "no_rotate",
                                TRUE, NULL);
  else if (width < side || height < side)
    code = vips_thumbnail_image(picture, &next, width, "height", height, "size", VIPS_SIZE_DOWN,
                                "no_rotate", TRUE, NULL);
  else
    code = vips_thumbnail_image(picture, &next, width < height ? side : VIPS_MAX_COORD, "height",
                                width < height ? VIPS_MAX_COORD : side, "size", VIPS_SIZE_DOWN,
                                "no_rotate", TRUE, NULL);
  return alexnet_vips_became(picture, next, code);
}

/// Turns a reduced picture upright, and keeps the middle of what is longer than the square. Takes over the reference.
static inline VipsImage *alexnet_vips_upright(VipsImage *picture, int side, int squeeze) {
  VipsImage *next = NULL;
  if (vips_image_get_orientation(picture) > 1) {
    // Turning reads rows in another order than decoders give them.
    VipsImage *whole = vips_image_copy_memory(picture);
    g_object_unref(picture);
    if (!(picture = whole)) return NULL;
    int code = vips_autorot(picture, &next, NULL);
    if (!(picture = alexnet_vips_became(picture, next, code))) return NULL;
    next = NULL;
  }
  int width = picture->Xsize, height = picture->Ysize;
  if (squeeze || width < side || height < side || (width == side && height == side)) return picture;
  int code = vips_extract_area(picture, &next, (width - side) / 2, (height - side) / 2, side, side, NULL);
  return alexnet_vips_became(picture, next, code);
}

/// Keeps the first bands of a picture, which are its colours, and makes the values from 0 to `most` fill their type.
/// Takes over the reference.
static inline VipsImage *alexnet_vips_plain(VipsImage *picture, int bands, int most) {
  VipsImage *next = NULL;
  int is_deep = picture->BandFmt == VIPS_FORMAT_USHORT;
  VipsInterpretation colours = picture->Type;
  if (colours == VIPS_INTERPRETATION_MULTIBAND)
    colours = is_deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
  if (bands && bands < picture->Bands) {
    int code = vips_extract_band(picture, &next, 0, "n", bands, NULL);
    if (!(picture = alexnet_vips_became(picture, next, code))) return NULL;
    next = NULL;
    code = vips_copy(picture, &next, "interpretation", colours, NULL);
    if (!(picture = alexnet_vips_became(picture, next, code))) return NULL;
    next = NULL;
  }
  int whole = is_deep ? 65535 : 255;
  if (most && most != whole) {
    int code = vips_linear1(picture, &next, (double)whole / most, 0.5, NULL);
    if (!(picture = alexnet_vips_became(picture, next, code))) return NULL;
    next = NULL;
    code = vips_cast(picture, &next, is_deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR, NULL);
    picture = alexnet_vips_became(picture, next, code);
  }
  return picture;
}

/// Decodes an opened picture, turns it upright, makes the square of it (scales the shorter side and takes the middle, or
/// squeezes both sides), copies it out, and gives the picture back. `bands` and `most` are those of
/// `alexnet_vips_plain`; 0 where there is nothing to do.
static inline int alexnet_vips_square_encoded(struct alexnet_vips_header header, const void *bytes,
                                              size_t length, int is_jpeg, int bands, int most,
                                              int side, int squeeze, pthread_mutex_t *planning,
                                              unsigned char *output) {
  VipsImage *picture = header.picture;
  int shorter = header.width < header.height ? header.width : header.height;
  // Twice the size that is wanted is left for a scaling of better quality than the decoder's.
  int shrink = 8;
  while (shrink > 1 && shorter < 2 * shrink * side) shrink /= 2;
  VipsImage *next = NULL;
  if (is_jpeg && shrink > 1) {
    int code = vips_jpegload_buffer((void *)bytes, length, &next, "shrink", shrink, "access",
                                    VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
    picture = alexnet_vips_became(picture, next, code);
    next = NULL;
  }
  if (picture) picture = alexnet_vips_plain(picture, bands, most);
  if (!picture) {
    vips_error_clear();
    return ALEXNET_IMAGE_CORRUPT;
  }
  alexnet_vips_plan(planning, header.width, header.height);
  VipsImage *reduced = alexnet_vips_reduced(picture, side, squeeze);
  pthread_mutex_unlock(planning);
  int code = ALEXNET_IMAGE_CORRUPT;
  if (reduced) {
    picture = alexnet_vips_upright(g_object_ref(reduced), side, squeeze);
    if (picture) code = alexnet_vips_finish(picture, side, squeeze, output);
    alexnet_vips_give_back(planning, reduced);
  }
  if (code) vips_error_clear();
  return code;
}

/// The same for pixels in memory, gray (1 band) or RGB (3 bands).
static inline int alexnet_vips_square_pixels(const void *bytes, size_t length, int width,
                                             int height, int bands, int side, int squeeze,
                                             pthread_mutex_t *planning, unsigned char *output) {
  VipsImage *picture =
      vips_image_new_from_memory(bytes, length, width, height, bands, VIPS_FORMAT_UCHAR);
  if (!picture) return ALEXNET_IMAGE_CORRUPT;
  VipsImage *next = NULL;
  int code = vips_copy(picture, &next, "interpretation",
                       bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL);
  picture = alexnet_vips_became(picture, next, code);
  next = NULL;
  double across = (double)side / width, down = (double)side / height;
  if (!squeeze) across = down = fmax(across, down);
  VipsImage *reduced = NULL;
  if (picture && (across < 1 || down < 1)) {
    // What vips_thumbnail comes to, without its preparations for pictures of other kinds.
    alexnet_vips_plan(planning, width, height);
    code = vips_resize(picture, &next, fmin(1, across), "vscale", fmin(1, down), NULL);
    picture = alexnet_vips_became(picture, next, code);
    if (picture) reduced = g_object_ref(picture);
    pthread_mutex_unlock(planning);
    next = NULL;
  }
  if (picture && !squeeze && across <= 1) {
    code = vips_extract_area(picture, &next, (picture->Xsize - side) / 2,
                             (picture->Ysize - side) / 2, side, side, NULL);
    picture = alexnet_vips_became(picture, next, code);
  }
  code = picture ? alexnet_vips_finish(picture, side, squeeze, output) : ALEXNET_IMAGE_CORRUPT;
  if (reduced) alexnet_vips_give_back(planning, reduced);
  if (code) vips_error_clear();
  return code;
}
