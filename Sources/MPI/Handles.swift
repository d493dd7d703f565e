import CMPI

// What MPI's handles are in Swift: Open MPI's are pointers, which Swift takes for optional where C
// can change them, and MPICH's are numbers.
#if MPICH
  typealias CommunicatorHandle = MPI_Comm
  typealias RequestHandle = MPI_Request
#else
  typealias CommunicatorHandle = MPI_Comm?
  typealias RequestHandle = MPI_Request?
#endif
