// What a rank does when the job ends before its time. The first two may be called in a signal's handler, so they are made of
// system calls, as is the process that one leaves behind: what fork calls in other libraries may wait for their threads.
#pragma once
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
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

// Leaves a process behind that waits for a launcher's end for some time and then kills it, after a SIGTERM where it is to end
// its ranks first.
static inline void alexnet_end_launcher_later(pid_t launcher, int milliseconds, int asks_first) {
  if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) != 0) return;
  // The handlers are the rank's; mpirun would kill all of the rank's process group, and wait until nobody holds the rank's
  // output.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  setsid();
  for (int file = 0; file < alexnet_most_files; file++) syscall(SYS_close, file);
  for (; asks_first >= 0; asks_first--) {
    const struct timespec nap = {0, 20 * 1000 * 1000};
    for (int waited = 0; waited < milliseconds; waited += 20) {
      nanosleep(&nap, NULL);
      if (kill(launcher, 0) != 0) _exit(0);
    }
    kill(launcher, asks_first ? SIGTERM : SIGKILL);
    milliseconds = 10 * 1000;
  }
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
