// Archives (libarchive) and the checksums that guard what is in them (zlib's CRC-32, libcrypto's SHA-256).
#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <zlib.h>

/// Glibc declares this for _GNU_SOURCE alone, which Swift's Glibc module is built without.
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path,
              unsigned flags);
enum { ALEXNET_RENAME_NOREPLACE = 1 };
