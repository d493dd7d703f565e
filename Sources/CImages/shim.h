// The C side of Images: libvips is called through variadic functions and GObject macros, libpng through a struct that
// must be zeroed with macros set in it. Swift imports neither, so each task has one function here, compiled by clang.
//
// Errors of these libraries jump (setjmp, longjmp), and a jump over a Swift frame would skip its releases. None does:
//
//   libjpeg-turbo  only the TurboJPEG functions (tj...) are called; each sets the target of the jumps itself, so that
//                  an error comes back as -1
//   libpng         only the simplified functions (png_image_...) are called; they run in png_safe_execute, which sets
//                  the target, and an error comes back as 0
//   libvips        its loaders set the targets for libjpeg and libpng in C functions of their own, and an error comes
//                  back as -1 or NULL with a text; libtiff, libwebp and ImageMagick return their errors
//
// So a jump begins and ends inside a library. No library calls back into Swift: the only callback is
// alexnet_vips_silence below, in C. Tests/ImagesTests looks through the programs for the functions that jump.
#pragma once
#include <fontconfig/fontconfig.h>
#include <math.h>
#include <png.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <vips/vips.h>

enum {
  ALEXNET_IMAGE_FINE = 0,
  ALEXNET_IMAGE_UNREADABLE = 1,  // the header is not that of a picture that the library knows
  ALEXNET_IMAGE_CORRUPT = 2,     // decoding or scaling failed half-way
};

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

/// Whether a font that is installed has a letter.
static inline int alexnet_has_font(uint32_t letter) {
  FcPattern *pattern = FcPatternCreate();
  FcCharSet *letters = FcCharSetCreate();
  FcObjectSet *properties = FcObjectSetBuild(FC_FILE, (char *)NULL);
  FcCharSetAddChar(letters, letter);
  FcPatternAddCharSet(pattern, FC_CHARSET, letters);
  FcFontSet *fonts = FcFontList(NULL, pattern, properties);
  int count = fonts ? fonts->nfont : 0;
  if (fonts) FcFontSetDestroy(fonts);
  FcObjectSetDestroy(properties);
  FcCharSetDestroy(letters);
  FcPatternDestroy(pattern);
  return count > 0;
}

/// Draws a line of text in black on white into gray pixels of `width` x `height`, cut off where it ends.
static inline int alexnet_vips_text(const char *text, int width, int height,
                                    unsigned char *output) {
  memset(output, 255, (size_t)width * height);
  // The text is no markup.
  gchar *escaped = g_markup_escape_text(text, -1);
  VipsImage *mask = NULL;
  int code = vips_text(&mask, escaped, "font", "sans 8", "dpi", 96, NULL);
  g_free(escaped);
  if (code) {
    vips_error_clear();
    return ALEXNET_IMAGE_CORRUPT;
  }
  size_t size = 0;
  unsigned char *pixels = vips_image_write_to_memory(mask, &size);
  int columns = mask->Xsize < width ? mask->Xsize : width;
  int rows = mask->Ysize < height ? mask->Ysize : height;
  for (int y = 0; pixels && y < rows; y++)
    for (int x = 0; x < columns; x++)
      output[y * width + x] = 255 - pixels[(size_t)y * mask->Xsize + x];
  code = pixels ? ALEXNET_IMAGE_FINE : ALEXNET_IMAGE_CORRUPT;
  g_free(pixels);
  g_object_unref(mask);
  return code;
}
