// Only here for SwiftPM: a target of C needs a source that is not generated.
#include "shim.h"
