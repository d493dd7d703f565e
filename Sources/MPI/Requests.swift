import CMPI
import System

/// Messages in flight.
///
/// Their buffers must not be used until `wait` has returned or `test` was true. Deallocation waits
/// for pending requests.
package final class Requests {
  private var handles: [RequestHandle] = []
  /// What the timeline knows of messages that are asked for.
  private var expected: [Timeline.Token] = []

  package init() {}

  deinit {
    if !handles.isEmpty {
      MPI_Waitall(Int32(handles.count), &handles, alexnet_mpi_statuses_ignore())
    }
  }

  /// Whether no message is in flight, as far as `wait` and `test` have seen.
  package var isEmpty: Bool { handles.isEmpty }

  func add(_ handle: RequestHandle) { handles.append(handle) }

  /// Adds a message that the timeline is told of.
  func add(_ handle: RequestHandle, _ token: Timeline.Token) {
    add(handle)
    if Timeline.isRecording { expected.append(token) }
  }

  private func noteArrivals() {
    guard !expected.isEmpty else { return }
    Timeline.arrived(expected)
    expected.removeAll(keepingCapacity: true)
  }

  /// Blocks until all messages are sent or received.
  ///
  /// The corresponding MPI routine is `MPI_Waitall`.
  package func wait() throws(MPIError) {
    guard !handles.isEmpty else { return }
    if Waiting.isPatient { return try Waiting.patiently(test) }
    let code = MPI_Waitall(Int32(handles.count), &handles, alexnet_mpi_statuses_ignore())
    handles.removeAll(keepingCapacity: true)
    noteArrivals()
    try check(code, "MPI_Waitall")
  }

  /// Leaves the messages to MPI, completed or not; their buffers must stay valid until the process
  /// ends.
  package func abandon() { handles.removeAll() }

  /// Whether all messages are sent or received; lets MPI make progress on them.
  ///
  /// The corresponding MPI routine is `MPI_Testall`.
  package func test() throws(MPIError) -> Bool {
    guard !handles.isEmpty else { return true }
    var done: Int32 = 0
    try check(
      MPI_Testall(Int32(handles.count), &handles, &done, alexnet_mpi_statuses_ignore()),
      "MPI_Testall")
    if done != 0 {
      handles.removeAll(keepingCapacity: true)
      noteArrivals()
    }
    return done != 0
  }
}
