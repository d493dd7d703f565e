// hwloc: which cores and hardware threads a machine has.
#pragma once
#include <hwloc.h>
