// Where a program starts that must not be killed by the signals that it listens to, before it can listen: see start.c.
#pragma once

// The program's entry, in place of the C library's `_start`, to which it leads on.
void alexnet_entry(void);
