// Archives (libarchive), the checksum that guards what is in them (zlib's CRC-32), and the MATLAB files in
// ILSVRC's development kits (matio).
#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <matio.h>
#include <string.h>
#include <zlib.h>

/// Glibc declares this for _GNU_SOURCE alone, which Swift's Glibc module is built without.
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path,
              unsigned flags);
enum { ALEXNET_RENAME_NOREPLACE = 1 };

/// Likewise.
int memfd_create(const char *name, unsigned flags);
enum { ALEXNET_MEMFD_CLOEXEC = 1 };

// matio hands out structs with unions and arrays of void *, so what is wanted of a meta.mat is read here.

/// Copies a MATLAB string out as UTF-8; empty if the variable is none.
static inline void alexnet_mat_text(const matvar_t *value, char *text, size_t room) {
  size_t filled = 0;
  if (value && value->class_type == MAT_C_CHAR && value->data) {
    size_t count = value->data_size > 0 ? value->nbytes / (size_t)value->data_size : 0;
    for (size_t i = 0; i < count && filled + 4 < room; i++) {
      if (value->data_size == 1) {
        text[filled++] = ((const char *)value->data)[i];
        continue;
      }
      unsigned code = value->data_size == 2 ? ((const uint16_t *)value->data)[i] : '?';
      if (code < 0x80) {
        text[filled++] = (char)code;
      } else if (code < 0x800) {
        text[filled++] = (char)(0xC0 | code >> 6);
        text[filled++] = (char)(0x80 | (code & 0x3F));
      } else {
        text[filled++] = (char)(0xE0 | code >> 12);
        text[filled++] = (char)(0x80 | (code >> 6 & 0x3F));
        text[filled++] = (char)(0x80 | (code & 0x3F));
      }
    }
  }
  text[filled] = 0;
}

/// A MATLAB number; -1 if the variable is none.
static inline double alexnet_mat_number(const matvar_t *value) {
  if (!value || !value->data || value->nbytes < (size_t)value->data_size) return -1;
  switch (value->class_type) {
    case MAT_C_DOUBLE: return *(const double *)value->data;
    case MAT_C_SINGLE: return *(const float *)value->data;
    case MAT_C_UINT8: return *(const uint8_t *)value->data;
    case MAT_C_INT16: return *(const int16_t *)value->data;
    case MAT_C_UINT16: return *(const uint16_t *)value->data;
    case MAT_C_INT32: return *(const int32_t *)value->data;
    case MAT_C_UINT32: return *(const uint32_t *)value->data;
    default: return -1;
  }
}

/// Calls `visit` for each of the `synsets` in a meta.mat, with its ID, WordNet ID and words; returns their
/// number, or -1 if the file is not of that kind.
static inline long alexnet_mat_synsets(const char *path, void *context,
                                       void (*visit)(void *context, double id, const char *wnid,
                                                     const char *words)) {
  mat_t *file = Mat_Open(path, MAT_ACC_RDONLY);
  if (!file) return -1;
  matvar_t *synsets = Mat_VarRead(file, "synsets");
  long count = -1;
  if (synsets && synsets->class_type == MAT_C_STRUCT && synsets->rank == 2) {
    unsigned fields = Mat_VarGetNumberOfFields(synsets);
    char *const *names = Mat_VarGetStructFieldnames(synsets);
    size_t total = synsets->dims[0] * synsets->dims[1];
    int id = -1, wnid = -1, words = -1;
    for (unsigned i = 0; names && i < fields; i++) {
      size_t length = strlen(names[i]);
      // ILSVRC2010_ID, ILSVRC2012_ID.
      if (strncmp(names[i], "ILSVRC", 6) == 0 && length > 3 &&
          strcmp(names[i] + length - 3, "_ID") == 0)
        id = (int)i;
      if (strcmp(names[i], "WNID") == 0) wnid = (int)i;
      if (strcmp(names[i], "words") == 0) words = (int)i;
    }
    if (id >= 0 && wnid >= 0 && words >= 0 && total <= 1000000) {
      char wnid_text[64], words_text[1024];
      for (size_t i = 0; i < total; i++) {
        alexnet_mat_text(Mat_VarGetStructFieldByIndex(synsets, (size_t)wnid, i), wnid_text,
                         sizeof wnid_text);
        alexnet_mat_text(Mat_VarGetStructFieldByIndex(synsets, (size_t)words, i), words_text,
                         sizeof words_text);
        visit(context, alexnet_mat_number(Mat_VarGetStructFieldByIndex(synsets, (size_t)id, i)),
              wnid_text, words_text);
      }
      count = (long)total;
    }
  }
  if (synsets) Mat_VarFree(synsets);
  Mat_Close(file);
  return count;
}
