// libvips: starting it, and making square RGB pixels of a picture that it has opened.
#pragma once
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "outcomes.h"

static inline void alexnet_vips_silence(const gchar *domain, GLogLevelFlags level,
                                        const gchar *message, gpointer data) {}

/// Starts libvips for callers that bring their own threads: one thread a picture, nothing cached.
static inline int alexnet_vips_start(void) {
  if (vips_init("alexnet")) return -1;
  vips_concurrency_set(1);
  vips_cache_set_max(0);
  // A warning about a picture is no news here: what cannot be used is reported by name.
  g_log_set_handler("VIPS", (GLogLevelFlags)(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO),
                    alexnet_vips_silence, NULL);
  return 0;
}

/// Applies one operation to a picture whose reference it takes over; NULL stays NULL.
static inline VipsImage *alexnet_vips_became(VipsImage *picture, VipsImage *next, int code) {
  g_object_unref(picture);
  return code ? NULL : next;
}

/// Copies a gray or RGB picture out as RGB.
///
/// It is computed strip by strip in the calling thread: libvips' own sink would hand tiles to another
/// thread and wait for it, which takes longer than the arithmetic of so small a picture.
static inline int alexnet_vips_copy_out(VipsImage *picture, int side, unsigned char *output) {
  int bands = picture->Bands;
  if (picture->Xsize != side || picture->Ysize != side || (bands != 1 && bands != 3)) return -1;
  VipsRegion *region = vips_region_new(picture);
  for (int top = 0; top < side; top += 16) {
    VipsRect strip = {0, top, side, side - top < 16 ? side - top : 16};
    if (vips_region_prepare(region, &strip)) {
      g_object_unref(region);
      return -1;
    }
    for (int y = top; y < top + strip.height; y++) {
      const unsigned char *row = VIPS_REGION_ADDR(region, 0, y);
      if (bands == 3)
        memcpy(output, row, (size_t)side * 3);
      else
        for (int x = 0; x < side; x++)
          output[3 * x] = output[3 * x + 1] = output[3 * x + 2] = row[x];
      output += side * 3;
    }
  }
  g_object_unref(region);
  return 0;
}

/// Whether colours come out of a profile as they go in, within two levels, in which case it is sRGB's whatever its name.
static inline int alexnet_vips_is_srgb(const void *profile, size_t length, int bands) {
  // Each colour of 0, 85, 170 and 255, or each gray.
  unsigned char colours[256 * 3];
  int count = bands == 1 ? 256 : 64;
  for (int i = 0; i < count; i++)
    if (bands == 1)
      colours[i] = i;
    else
      for (int band = 0; band < 3; band++) colours[3 * i + band] = 85 * (i >> (2 * band) & 3);
  VipsImage *picture = vips_image_new_from_memory(colours, (size_t)count * bands, count, 1, bands,
                                                  VIPS_FORMAT_UCHAR);
  if (!picture) return 0;
  VipsImage *next = NULL;
  int code = vips_copy(picture, &next, "interpretation",
                       bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL);
  if (!(picture = alexnet_vips_became(picture, next, code))) return 0;
  vips_image_set_blob_copy(picture, VIPS_META_ICC_NAME, profile, length);
  next = NULL;
  code = vips_icc_transform(picture, &next, "srgb", "embedded", TRUE, "depth", 8, NULL);
  if (!(picture = alexnet_vips_became(picture, next, code))) return 0;
  size_t size = 0;
  unsigned char *converted = vips_image_write_to_memory(picture, &size);
  int is_same = converted && size == (size_t)count * 3;
  for (int i = 0; is_same && i < count * 3; i++)
    is_same = abs(converted[i] - colours[bands == 1 ? i / 3 : i]) <= 2;
  g_free(converted);
  g_object_unref(picture);
  return is_same;
}

/// The same, asked once for each profile that follows another: the pictures of a dataset tend to have the same.
static inline int alexnet_vips_has_srgb(const void *profile, size_t length, int bands) {
  static __thread struct {
    void *bytes;
    size_t length;
    int bands, is_srgb;
  } last;
  if (bands != 1 && bands != 3) return 0;
  if (last.bytes && last.length == length &&
      last.bands == bands && !memcmp(last.bytes, profile, length))
    return last.is_srgb;
  g_free(last.bytes);
  last.bytes = g_memdup2(profile, length);
  last.length = length;
  last.bands = bands;
  return last.is_srgb = alexnet_vips_is_srgb(profile, length, bands);
}

/// Converts a picture from its own ICC profile to sRGB; one whose profile is sRGB's, or none that fits, stays as it is.
/// Takes over the reference.
static inline VipsImage *alexnet_vips_convert(VipsImage *picture) {
  const void *profile = NULL;
  size_t length = 0;
  if (!vips_image_get_typeof(picture, VIPS_META_ICC_NAME) ||
      vips_image_get_blob(picture, VIPS_META_ICC_NAME, &profile, &length) ||
      alexnet_vips_has_srgb(profile, length, picture->Bands))
    return picture;
  VipsImage *next = NULL;
  if (vips_icc_transform(picture, &next, "srgb", "embedded", TRUE, "depth", 8, NULL)) {
    vips_error_clear();
    return picture;
  }
  g_object_unref(picture);
  return next;
}

/// What is left to scale on one axis, once libvips has reduced a picture: the pixels that the square needs, and how they
/// lie in it.
struct alexnet_enlargement {
  int first, count;      // the pixels that are read
  double scale, offset;  // the square's pixel x lies at (x + 0.5 + offset) / scale - 0.5 of those
};

/// Plans an axis of `length` pixels of which all become `wanted`, and the middle `side` of these are kept.
static inline struct alexnet_enlargement alexnet_enlarged_axis(int length, double wanted, int side) {
  struct alexnet_enlargement axis;
  axis.scale = wanted / length;
  double skipped = floor((wanted - side) / 2);
  // The interpolation reads two pixels on either side.
  double first = floor((skipped + 0.5) / axis.scale - 0.5) - 3;
  double end = ceil((skipped + side) / axis.scale) + 4;
  axis.first = first < 0 ? 0 : (int)first;
  axis.count = (end > length ? length : (int)end) - axis.first;
  axis.offset = skipped - axis.first * axis.scale;
  return axis;
}

/// Enlarges a picture and keeps the middle square of it, bicubic, by the convention of Pillow and OpenCV: the centre of
/// a pixel lies half a pixel from its edge, so that the picture's middle stays where it is.
///
/// `vips_resize` and `vips_thumbnail` enlarge towards the right and the bottom by half a pixel of the result, and make
/// the whole of a long picture before the middle is cut out.
static inline VipsImage *alexnet_vips_enlarge(VipsImage *picture, int side, int squeeze) {
  int width = picture->Xsize, height = picture->Ysize;
  int shorter = width < height ? width : height;
  double whole = (double)side / shorter;
  struct alexnet_enlargement x =
      alexnet_enlarged_axis(width, squeeze ? side : rint(width * whole), side);
  struct alexnet_enlargement y =
      alexnet_enlarged_axis(height, squeeze ? side : rint(height * whole), side);
  VipsImage *next = NULL;
  int code = vips_extract_area(picture, &next, x.first, y.first, x.count, y.count, NULL);
  if (!(picture = alexnet_vips_became(picture, next, code))) return NULL;
  next = NULL;
  VipsInterpolate *bicubic = vips_interpolate_new("bicubic");
  VipsArrayInt *area = vips_array_int_newv(4, 0, 0, side, side);
  code = vips_affine(picture, &next, x.scale, 0.0, 0.0, y.scale, "interpolate", bicubic, "oarea", area,
                     "idx", 0.5, "idy", 0.5, "odx", -0.5 - x.offset, "ody", -0.5 - y.offset, "extend",
                     VIPS_EXTEND_COPY, NULL);
  vips_area_unref(VIPS_AREA(area));
  g_object_unref(bicubic);
  return alexnet_vips_became(picture, next, code);
}

/// Brings a picture of any kind to 8-bit sRGB, enlarges what is smaller than the square, and copies it out; takes over
/// the reference.
static inline int alexnet_vips_finish(VipsImage *picture, int side, int squeeze,
                                      unsigned char *output) {
  VipsImage *next = NULL;
  if (vips_image_hasalpha(picture)) {
    gboolean deep = picture->Type == VIPS_INTERPRETATION_RGB16 ||
                    picture->Type == VIPS_INTERPRETATION_GREY16;
    VipsArrayDouble *white = vips_array_double_newv(1, deep ? 65535.0 : 255.0);
    int code = vips_flatten(picture, &next, "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    if (!(picture = alexnet_vips_became(picture, next, code))) return ALEXNET_IMAGE_CORRUPT;
  }
  picture = alexnet_vips_convert(picture);
  gboolean plain = picture->BandFmt == VIPS_FORMAT_UCHAR &&
                   (picture->Type == VIPS_INTERPRETATION_B_W ||
                    picture->Type == VIPS_INTERPRETATION_sRGB);
  if (!plain) {
    int code = vips_colourspace(picture, &next, VIPS_INTERPRETATION_sRGB, NULL);
    if (!(picture = alexnet_vips_became(picture, next, code))) return ALEXNET_IMAGE_CORRUPT;
    code = vips_cast_uchar(picture, &next, NULL);
    if (!(picture = alexnet_vips_became(picture, next, code))) return ALEXNET_IMAGE_CORRUPT;
  }
  if (picture->Xsize != side || picture->Ysize != side)
    if (!(picture = alexnet_vips_enlarge(picture, side, squeeze))) return ALEXNET_IMAGE_CORRUPT;
  int code = alexnet_vips_copy_out(picture, side, output);
  g_object_unref(picture);
  return code ? ALEXNET_IMAGE_CORRUPT : ALEXNET_IMAGE_FINE;
}
