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
// alexnet_vips_silence in conversions.h. Tests/ImagesTests looks through the programs for the functions that jump.
#pragma once
#include <turbojpeg.h>

#include "png_files.h"
#include "squares.h"
#include "text.h"
