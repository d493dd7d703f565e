import COpenMPI

/// Messages under way.
///
/// Their buffers must be left alone until `wait` has returned. Requests that are let go of are waited for.
public final class Requests {
  private var handles: [MPI_Request?] = []

  /// Makes an empty set.
  public init() {}

  deinit {
    if !handles.isEmpty {
      MPI_Waitall(Int32(handles.count), &handles, alexnet_mpi_statuses_ignore())
    }
  }

  func add(_ handle: MPI_Request?) { handles.append(handle) }

  /// Blocks until all of them are sent or received.
  ///
  /// The corresponding MPI routine is `MPI_Waitall`.
  public func wait() throws(MPIError) {
    guard !handles.isEmpty else { return }
    let code = MPI_Waitall(Int32(handles.count), &handles, alexnet_mpi_statuses_ignore())
    handles.removeAll(keepingCapacity: true)
    try check(code, "MPI_Waitall")
  }
}
