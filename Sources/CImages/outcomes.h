// What the functions of this module return.
#pragma once

enum {
  ALEXNET_IMAGE_FINE = 0,
  ALEXNET_IMAGE_UNREADABLE = 1,  // the header is not that of a picture that the library knows
  ALEXNET_IMAGE_CORRUPT = 2,     // decoding or scaling failed half-way
};
