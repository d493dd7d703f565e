// Glibc declares this for _GNU_SOURCE alone, which Swift's Glibc module is built without.
#pragma once
#include <stddef.h>

int sched_getaffinity(int pid, size_t size, void *mask);
