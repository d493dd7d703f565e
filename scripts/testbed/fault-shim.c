// Preloaded into a rank, it fails or kills at one of the calls that write a checkpoint:
//
//   FAULT_RANK=1 FAULT_AT=7 FAULT_DO=kill     kill -9 before the seventh such call of rank 1
//   FAULT_RANK=0 FAULT_ON=fsync FAULT_DO=EIO  every fsync of a file fails with EIO; "folder" for those of folders
//   FAULT_LOG=FILE                            count only: one line a call
//   FAULT_RANK=1 FAULT_ON=message FAULT_DO=damage   turn a bit in what rank 1 receives from its host's other ranks
//                                             (the transport must take long messages by process_vm_readv)
//
// Calls that concern other files than those of a folder "checkpoints" are left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int count;

// Paths are inside the run's folder, or start at the highest one.
static int concerns_path(const char *path) {
  return path && (strstr(path, "/checkpoints") || !strncmp(path, "checkpoints/", 12));
}

static int concerns(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return concerns_path(path);
}

// Whether the call is to fail; kills the process where that is wanted.
static int fault(const char *call) {
  const char *rank = getenv("OMPI_COMM_WORLD_RANK"), *wanted = getenv("FAULT_RANK");
  if (!rank || !wanted || strcmp(rank, wanted)) return 0;
  int number = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
  const char *log = getenv("FAULT_LOG"), *at = getenv("FAULT_AT"), *on = getenv("FAULT_ON"),
             *what = getenv("FAULT_DO");
  if (log) {
    int file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file >= 0) {
      dprintf(file, "%d %s\n", number, call);
      close(file);
    }
  }
  if (!what || (at && atoi(at) != number) || (on && strcmp(on, call))) return 0;
  if (!strcmp(what, "kill")) kill(getpid(), SIGKILL);
  errno = !strcmp(what, "ENOSPC") ? ENOSPC : EIO;
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int d, const void *b, size_t n, off64_t o) {
  if (concerns(d) && fault("pwrite")) return -1;
  return NEXT(pwrite64)(d, b, n, o);
}
ssize_t pwrite(int d, const void *b, size_t n, off_t o) {
  if (concerns(d) && fault("pwrite")) return -1;
  return NEXT(pwrite)(d, b, n, o);
}
int fsync(int d) {
  struct stat status;
  int is_folder = fstat(d, &status) == 0 && S_ISDIR(status.st_mode);
  if (concerns(d) && fault(is_folder ? "folder" : "fsync")) return -1;
  return NEXT(fsync)(d);
}
int close(int d) {
  if (concerns(d) && fault("close")) return -1;
  return NEXT(close)(d);
}
int posix_fallocate(int d, off_t o, off_t n) {
  if (concerns(d) && fault("fallocate")) return errno;
  return NEXT(posix_fallocate)(d, o, n);
}
int renameat(int d, const char *a, int e, const char *b) {
  if (concerns_path(b) && fault("rename")) return -1;
  return NEXT(renameat)(d, a, e, b);
}
int linkat(int d, const char *a, int e, const char *b, int flags) {
  if (concerns_path(b) && fault("link")) return -1;
  return NEXT(linkat)(d, a, e, b, flags);
}
int unlinkat(int d, const char *a, int flags) {
  if (concerns_path(a) && fault("unlink")) return -1;
  return NEXT(unlinkat)(d, a, flags);
}
ssize_t process_vm_readv(pid_t p, const struct iovec *own, unsigned long n, const struct iovec *theirs,
                         unsigned long m, unsigned long flags) {
  ssize_t length = NEXT(process_vm_readv)(p, own, n, theirs, m, flags);
  // They are no calls that write a checkpoint, and their number depends on who is early.
  const char *on = getenv("FAULT_ON");
  if (length > 0 && on && !strcmp(on, "message") && fault("message")) ((char *)own[0].iov_base)[own[0].iov_len / 2] ^= 1;
  return length;
}
