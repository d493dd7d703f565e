// Archives (libarchive), and the checksum that guards what is in them and the inflating of MATLAB's files (zlib).
#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

/// Glibc declares this for _GNU_SOURCE alone, which Swift's Glibc module is built without.
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path,
              unsigned flags);
enum { ALEXNET_RENAME_NOREPLACE = 1 };
