#include "include/version.h"

#include <stddef.h>

// A commit is no C string in the compiler's arguments, where quotes get lost.
#define TEXT_OF(words) #words
#define TEXT(words) TEXT_OF(words)

const char *alexnet_commit(void) {
#ifdef ALEXNET_COMMIT
  return TEXT(ALEXNET_COMMIT);
#else
  return NULL;
#endif
}
