// MPI's constants are casting macros, which Swift does not import: each becomes a function here.
#pragma once
#include <errno.h>
#include <mpi.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// What MPI_Abort calls after it has printed a block of its own, which would push the error's sentence off the screen.
// A symbol of Open MPI's library; where it is missing, MPI_Abort itself serves.
extern int ompi_mpi_abort(MPI_Comm communicator, int code) __attribute__((weak));
static inline void alexnet_mpi_abort(int code) {
  if (ompi_mpi_abort) ompi_mpi_abort(MPI_COMM_WORLD, code);
  MPI_Abort(MPI_COMM_WORLD, code);
}

// Reads a child's memory, which is a copy of this process's, as Open MPI reads another rank's; returns the error's number, or 0.
static inline int alexnet_read_others_memory(void) {
  long from = 1, to = 0;
  struct iovec own = {&to, sizeof to}, other = {&from, sizeof from};
  const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    const struct timespec while_read = {5, 0};
    nanosleep(&while_read, NULL);
    _exit(0);
  }
  // Its own memory, where there can be no other process.
  const long count = syscall(SYS_process_vm_readv, child > 0 ? child : getpid(), &own, 1ul, &other, 1ul, 0ul);
  const int code = count == (long)sizeof to ? 0 : errno;
  if (child > 0) {
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  // A signal has ended the child first.
  return code == ESRCH ? 0 : code;
}

static inline MPI_Comm alexnet_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm alexnet_mpi_comm_null(void) { return MPI_COMM_NULL; }
static inline MPI_Group alexnet_mpi_group_null(void) { return MPI_GROUP_NULL; }
static inline MPI_Request alexnet_mpi_request_null(void) { return MPI_REQUEST_NULL; }
static inline MPI_Datatype alexnet_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype alexnet_mpi_double(void) { return MPI_DOUBLE; }
static inline MPI_Datatype alexnet_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype alexnet_mpi_uint8(void) { return MPI_UINT8_T; }
static inline MPI_Op alexnet_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Op alexnet_mpi_max(void) { return MPI_MAX; }
static inline MPI_Op alexnet_mpi_min(void) { return MPI_MIN; }
static inline void *alexnet_mpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Info alexnet_mpi_info_null(void) { return MPI_INFO_NULL; }
static inline int alexnet_mpi_comm_type_shared(void) { return MPI_COMM_TYPE_SHARED; }
static inline MPI_Errhandler alexnet_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Status *alexnet_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline MPI_Status *alexnet_mpi_statuses_ignore(void) { return MPI_STATUSES_IGNORE; }
static inline MPI_Datatype alexnet_mpi_int32(void) { return MPI_INT32_T; }
static inline MPI_Datatype alexnet_mpi_uint16(void) { return MPI_UINT16_T; }
static inline int alexnet_mpi_any_source(void) { return MPI_ANY_SOURCE; }
static inline int alexnet_mpi_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int alexnet_mpi_thread_multiple(void) { return MPI_THREAD_MULTIPLE; }
static inline int alexnet_mpi_success(void) { return MPI_SUCCESS; }
