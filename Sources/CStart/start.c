// The first instructions of a program that is asked by signals to save and leave.
//
// A program that is linked with a hundred libraries is still being put together by the system's dynamic linker for some 60 ms after it
// has been started, twice that on a busy machine, and code of its own does not run before. A signal that comes then would kill it.
// So it names no dynamic linker: the kernel starts it right here, where it blocks the signals, and then does what the kernel
// does otherwise: maps the dynamic linker and jumps into it. What was sent meanwhile waits until somebody unblocks it.
//
// Nothing here may use a library, a global's address or the thread's memory: the program has not been relocated yet.
#if defined(__linux__) && defined(__x86_64__)
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "include/start.h"

static const char linker_path[] = "/lib64/ld-linux-x86-64.so.2";
enum { most_segments = 32, kernel_signal_bytes = 8 };

__asm__(
    ".text\n"
    ".globl alexnet_entry\n"
    ".type alexnet_entry, @function\n"
    "alexnet_entry:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rbx\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call alexnet_begin\n"
    "  mov %rbx, %rsp\n"  // as the kernel left it
    "  xor %edx, %edx\n"
    "  jmp *%rax\n"
    ".size alexnet_entry, . - alexnet_entry\n");

extern const char _start[] __attribute__((visibility("hidden")));

static inline long call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static _Noreturn void give_up(void) {
  static const char text[] = "The dynamic linker /lib64/ld-linux-x86-64.so.2 cannot be started.\n";
  call(SYS_write, 2, (long)text, sizeof text - 1, 0, 0, 0);
  for (;;) call(SYS_exit_group, 127, 0, 0, 0, 0, 0);
}

static unsigned long map(unsigned long at, unsigned long length, int protection, int flags, long file, unsigned long offset) {
  const long place = call(SYS_mmap, at, length, protection, MAP_PRIVATE | flags, file, offset);
  if (place < 0 && place > -4096) give_up();
  return place;
}

// Maps the dynamic linker; returns where it is, and its entry.
static unsigned long map_linker(unsigned long page, unsigned long *entry) {
  const long file = call(SYS_open, (long)linker_path, O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
  // Its header and the list of its segments stand at the beginning.
  union {
    Elf64_Ehdr header;
    char bytes[2048];
  } start;
  if (file < 0 || call(SYS_read, file, (long)&start, sizeof start, 0, 0, 0) < (long)sizeof start) give_up();
  const unsigned long list = start.header.e_phoff, count = start.header.e_phnum;
  if (list + count * sizeof(Elf64_Phdr) > sizeof start) give_up();
  const Elf64_Phdr *segments = (const Elf64_Phdr *)(start.bytes + list);
  unsigned long end = 0;
  for (unsigned long i = 0; i < count; i++) {
    const unsigned long last = segments[i].p_vaddr + segments[i].p_memsz;
    if (segments[i].p_type == PT_LOAD && last > end) end = last;
  }
  const unsigned long base = map(0, end, PROT_NONE, MAP_ANONYMOUS, -1, 0);
  for (unsigned long i = 0; i < count; i++) {
    const Elf64_Phdr *segment = segments + i;
    if (segment->p_type != PT_LOAD) continue;
    const unsigned long first = segment->p_vaddr & -page;
    const unsigned long in_file = segment->p_vaddr + segment->p_filesz;
    const unsigned long in_memory = segment->p_vaddr + segment->p_memsz;
    const unsigned long mapped = (in_file + page - 1) & -page;
    const int protection = (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
                           (segment->p_flags & PF_X ? PROT_EXEC : 0);
    map(base + first, in_file - first, protection, MAP_FIXED, file, segment->p_offset & -page);
    if (in_memory == in_file) continue;
    // What the file does not hold is zero.
    for (volatile char *byte = (char *)(base + in_file); byte < (char *)(base + mapped); byte++) *byte = 0;
    if (in_memory > mapped) map(base + mapped, in_memory - mapped, protection, MAP_FIXED | MAP_ANONYMOUS, -1, 0);
  }
  call(SYS_close, file, 0, 0, 0, 0, 0);
  *entry = base + start.header.e_entry;
  return base;
}

// The program's own segments as the dynamic linker wants them, with one that names it.
static Elf64_Phdr own_segments[most_segments];

static void list_segments(Elf64_auxv_t *list, Elf64_auxv_t *count) {
  const Elf64_Phdr *old = (const Elf64_Phdr *)list->a_un.a_val;
  if (count->a_un.a_val >= most_segments) give_up();
  unsigned long base = 0;
  for (unsigned long i = 0; i < count->a_un.a_val; i++) {
    // Word by word: a compiler may make a call of whatever copies more at once.
    const volatile long *from = (const volatile long *)(old + i);
    volatile long *to = (volatile long *)(own_segments + i);
    for (unsigned long k = 0; k < sizeof *old / sizeof *to; k++) to[k] = from[k];
    if (old[i].p_type == PT_PHDR) base = (unsigned long)old - old[i].p_vaddr;
  }
  if (base == 0) give_up();
  // The dynamic linker finds out by this one where the program is.
  for (unsigned long i = 0; i < count->a_un.a_val; i++) {
    if (own_segments[i].p_type == PT_PHDR) own_segments[i].p_vaddr = (unsigned long)own_segments - base;
  }
  Elf64_Phdr *name = own_segments + count->a_un.a_val;
  name->p_type = PT_INTERP;
  name->p_flags = PF_R;
  name->p_vaddr = (unsigned long)linker_path - base;
  name->p_memsz = name->p_filesz = sizeof linker_path;
  list->a_un.a_val = (unsigned long)own_segments;
  count->a_un.a_val += 1;
}

// Does what is to be done first; returns where the dynamic linker starts.
__attribute__((visibility("hidden"), used)) unsigned long alexnet_begin(unsigned long *stack) {
  // Those that StopSignals listens to, but for SIGCONT, which does nothing to a program that runs.
  static const int kept[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGXCPU};
  unsigned long signals = 0;
  for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++) signals |= 1ul << (kept[i] - 1);
  call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&signals, 0, kernel_signal_bytes, 0, 0);

  // The kernel leaves the number of words, the words, the environment, and what it knows, each list with a zero at its end.
  unsigned long *word = stack + 1 + *stack + 1;
  while (*word) word++;
  Elf64_auxv_t *base = 0, *entry = 0, *list = 0, *count = 0;
  unsigned long page = 4096;
  for (Elf64_auxv_t *known = (Elf64_auxv_t *)(word + 1); known->a_type != AT_NULL; known++) {
    switch (known->a_type) {
      case AT_BASE: base = known; break;
      case AT_ENTRY: entry = known; break;
      case AT_PHDR: list = known; break;
      case AT_PHNUM: count = known; break;
      case AT_PAGESZ: page = known->a_un.a_val; break;
    }
  }
  if (!base || !entry || !list || !count) give_up();
  list_segments(list, count);
  unsigned long linker_entry;
  base->a_un.a_val = map_linker(page, &linker_entry);
  entry->a_un.a_val = (unsigned long)_start;
  return linker_entry;
}
#endif
