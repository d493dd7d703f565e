// Text as pixels, and what the installed fonts have.
#pragma once
#include <fontconfig/fontconfig.h>
#include <stdint.h>
#include <string.h>
#include <vips/vips.h>

#include "outcomes.h"

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
