// Glibc declares these for _GNU_SOURCE alone, which Swift's Glibc module is built without.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int sched_getaffinity(int pid, size_t size, void *mask);
int memfd_create(const char *name, unsigned int flags);
int pipe2(int ends[2], int flags);
enum { alexnet_memfd_cloexec = 1 };

// Which of the instruction sets that there are kernels for this processor (and its operating system) has:
// 2 for AVX-512 (F, VL, DQ, BW), 1 for AVX2 with FMA, 0 for neither.
static inline int alexnet_instruction_set(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
  return 0;
}

// Lets the processor rest for some ten nanoseconds, in a loop that waits for another thread.
static inline void alexnet_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Starts a program, by its name on the path, in a process group of its own, which a terminal's Ctrl-C, Ctrl-Z and hang-up do not
// reach; it is sent SIGTERM when this process is killed. It reads a file, or nothing where that is negative, and writes into two,
// or where this process does. One that saves when it is asked to does not end at such a signal before it listens to it, nor does
// a script around it. Returns its number, or minus the error's.
static inline int alexnet_start(char *const words[], int input, int output, int errors, int saves) {
  int report[2], code = 0;
  if (pipe(report) != 0) return -errno;
  for (int i = 0; i < 2; i++) fcntl(report[i], F_SETFD, FD_CLOEXEC);
  // A signal to the child before it runs the program is for that, not for this one's handlers.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t parent = getpid(), child = fork();
  if (child == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    // Not in the terminal's foreground, it may write there all the same.
    signal(SIGTTOU, SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
    struct sigaction action;
    for (int number = 1; number < NSIG; number++)
      if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN) signal(number, SIG_DFL);
    if (saves) {
      signal(SIGUSR1, SIG_IGN);
      signal(SIGUSR2, SIG_IGN);
    }
    const int nothing = open("/dev/null", O_RDWR);
    dup2(input >= 0 ? input : nothing, 0);
    if (output >= 0) dup2(output, 1);
    if (errors >= 0) dup2(errors, 2);
    // Streams that were closed: mpirun would take their numbers for files of its own.
    for (int stream = 1; stream <= 2; stream++)
      if ((fcntl(stream, F_GETFL) & O_ACCMODE) == O_RDONLY) dup2(nothing, stream);
    if (nothing > 2) close(nothing);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(words[0], words);
    code = errno;
    _exit(write(report[1], &code, sizeof code) == sizeof code ? 127 : 126);
  }
  if (child < 0) code = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  if (child > 0 && read(report[0], &code, sizeof code) == sizeof code) waitpid(child, NULL, 0);
  close(report[0]);
  return code == 0 ? child : -code;
}
