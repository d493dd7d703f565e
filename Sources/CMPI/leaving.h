// What a rank does when it leaves. All but the last may be called in a signal's handler, so they are made of system calls, as is
// what the process does that some leave behind: what fork calls in other libraries may wait for their threads.
#pragma once
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// More than a process has files open.
enum { alexnet_most_files = 65536 };

// Ends the streams to other hosts in order: Open MPI's peer takes an end quietly, and prints fifteen lines about a connection
// that is reset, as it is where a process dies with bytes unread. Loopback leads to mpirun or its daemon, and stays.
static inline void alexnet_hang_up(void) {
  for (int file = 3; file < alexnet_most_files; file++) {
    union {
      struct sockaddr any;
      struct sockaddr_in four;
      struct sockaddr_in6 six;
    } peer;
    socklen_t length = sizeof peer;
    if (getpeername(file, &peer.any, &length) != 0) continue;
    int is_far = (peer.any.sa_family == AF_INET && ntohl(peer.four.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) ||
                 (peer.any.sa_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&peer.six.sin6_addr));
    if (is_far) shutdown(file, SHUT_WR);
  }
}

// Makes a process that has nothing of the rank's: neither its files (mpirun waits until nobody holds a rank's output) nor its
// process group (which mpirun kills) nor its signals, whose handlers are the rank's. Returns 1 in it and 0 in the rank.
static inline int alexnet_leave_behind(void) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) != 0) {
    sigprocmask(SIG_SETMASK, &before, NULL);
    return 0;
  }
  setsid();
  for (int file = 0; file < alexnet_most_files; file++) syscall(SYS_close, file);
  return 1;
}

// A file that can be read from when a process has ended; negative where the system has no such files (Linux before 5.3).
static inline int alexnet_watch(pid_t process) {
#if defined(SYS_pidfd_open)
  return (int)syscall(SYS_pidfd_open, process, 0);
#else
  return -1;
#endif
}

// Whether the process that such a file stands for has ended. May be called in a signal's handler.
static inline int alexnet_has_ended(int watched) {
  struct pollfd end = {.fd = watched, .events = POLLIN};
  return watched >= 0 && poll(&end, 1, 0) == 1;
}

enum { alexnet_nap = 20 };
static inline void alexnet_take_nap(void) {
  const struct timespec nap = {0, alexnet_nap * 1000 * 1000};
  nanosleep(&nap, NULL);
}

// Leaves a process behind that kills a launcher if it is still there after some time. A second signal of a milder kind makes
// mpirun 4.1.4, which is ending the job already, crash in PMIx_Finalize, at length.
static inline void alexnet_kill_launcher_later(pid_t launcher, int milliseconds) {
  if (!alexnet_leave_behind()) return;
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
  // Linux 5.3: no other process can be taken for it.
  struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, launcher, 0), .events = POLLIN};
  if (end.fd >= 0) {
    if (poll(&end, 1, milliseconds) == 0) syscall(SYS_pidfd_send_signal, end.fd, SIGKILL, NULL, 0);
    _exit(0);
  }
#endif
  for (int waited = 0; waited < milliseconds; waited += alexnet_nap) {
    alexnet_take_nap();
    if (kill(launcher, 0) != 0) _exit(0);
  }
  kill(launcher, SIGKILL);
  _exit(0);
}

// Leaves a process behind that kills this one if it is still there after some time.
static inline void alexnet_kill_self_later(int milliseconds) {
  const pid_t self = getpid();
  if (!alexnet_leave_behind()) return;
  for (int waited = 0; waited < milliseconds; waited += alexnet_nap) {
    alexnet_take_nap();
    // Whoever loses its parent is given another one.
    if (getppid() != self) _exit(0);
  }
  kill(self, SIGKILL);
  _exit(0);
}

static inline void alexnet_hold(int signal) {
  (void)signal;
  for (;;) pause();
}

// Holds all threads but the calling one, which must not take a lock afterwards (of the allocator's, say) that one of them
// may have.
static inline void alexnet_hold_other_threads(void) {
  const int hold = SIGRTMIN + 5; // nobody else's; the first ones are the C library's
  struct sigaction action = {.sa_handler = alexnet_hold};
  sigaction(hold, &action, NULL);
  const pid_t own = (pid_t)syscall(SYS_gettid);
  DIR *threads = opendir("/proc/self/task");
  if (!threads) return;
  struct dirent *entry;
  while ((entry = readdir(threads)) != NULL) {
    const pid_t thread = (pid_t)atoi(entry->d_name);
    if (thread > 0 && thread != own) syscall(SYS_tgkill, getpid(), thread, hold);
  }
}
