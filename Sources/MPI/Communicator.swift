import CMPI
import Glibc
import Synchronization
import System

/// A group of ranks that communicate only with each other.
///
/// Counts are in elements; buffers carry their own counts, so that a message cannot overrun its
/// buffer. Errors are thrown and never fatal inside MPI: the communicator returns error codes.
package final class Communicator: @unchecked Sendable {
  /// MPI's handle of the group; that of no group for a process without MPI.
  private let group: CommunicatorHandle
  /// This process's number in the group, from 0.
  package let rank: Int
  /// The number of processes in the group.
  package let size: Int
  private let owned: Bool
  /// The number of the communicators that this process had made before: ranks make them in the
  /// same order, so it is the same on all of them.
  private let number: Int
  private static let made = Atomic<Int>(0)
  /// The ranks of the group by their numbers among all of the job.
  private var worldRanks: [Int] = []

  /// A group of this process alone, for programs that were not started by `mpirun`; it does not
  /// need MPI.
  ///
  /// Barriers, reductions and broadcasts return at once, and subgroups equal the group. There is no
  /// other rank, so sending is a programming error.
  package static let alone = Communicator()

  private init() {
    (group, rank, size, owned, number) = (alexnet_mpi_comm_null(), 0, 1, false, -1)
  }

  init(handle: CommunicatorHandle, owned: Bool) throws(MPIError) {
    group = handle
    self.owned = owned
    number = Self.made.wrappingAdd(1, ordering: .relaxed).oldValue
    var (rank, size): (Int32, Int32) = (0, 0)
    try check(
      MPI_Comm_set_errhandler(handle, alexnet_mpi_errors_return()), "MPI_Comm_set_errhandler")
    try check(MPI_Comm_rank(handle, &rank), "MPI_Comm_rank")
    try check(MPI_Comm_size(handle, &size), "MPI_Comm_size")
    self.rank = Int(rank)
    self.size = Int(size)
    worldRanks = try Self.worldRanks(of: handle, size: self.size)
  }

  private static func worldRanks(
    of handle: CommunicatorHandle, size: Int
  ) throws(MPIError) -> [Int] {
    var (own, all) = (alexnet_mpi_group_null(), alexnet_mpi_group_null())
    try check(MPI_Comm_group(handle, &own), "MPI_Comm_group")
    try check(MPI_Comm_group(alexnet_mpi_comm_world(), &all), "MPI_Comm_group")
    defer {
      MPI_Group_free(&own)
      MPI_Group_free(&all)
    }
    let ranks = (0..<size).map(Int32.init)
    var result = [Int32](repeating: 0, count: size)
    try check(
      MPI_Group_translate_ranks(own, Int32(size), ranks, all, &result),
      "MPI_Group_translate_ranks")
    return result.map(Int.init)
  }

  deinit {
    guard owned else { return }
    // After MPI_Finalize there is nothing to free, and MPI would abort the process.
    var finalized: Int32 = 0
    MPI_Finalized(&finalized)
    if finalized == 0 {
      var handle = group
      MPI_Comm_free(&handle)
    }
  }

  /// Whether this is `alone`, to which MPI does not matter.
  private var isWithoutMPI: Bool { number < 0 }

  /// The group of a message; a process alone cannot send any.
  private var handle: CommunicatorHandle {
    precondition(!isWithoutMPI, "Messages need more than one process.")
    return group
  }

  /// A group that MPI makes.
  private func derived(
    by routine: String, _ make: (UnsafeMutablePointer<CommunicatorHandle>) -> Int32
  ) throws(MPIError) -> Communicator {
    var new: CommunicatorHandle = alexnet_mpi_comm_null()
    try check(make(&new), routine)
    return try Communicator(handle: new, owned: true)
  }

  /// Splits the group by colour; the ranks of one colour form a new group, ordered by `key`, then
  /// rank.
  ///
  /// The corresponding MPI routine is `MPI_Comm_split`.
  package func split(color: Int, key: Int) throws(MPIError) -> Communicator {
    if isWithoutMPI { return self }
    return try derived(by: "MPI_Comm_split") {
      MPI_Comm_split(handle, Int32(color), Int32(key), $0)
    }
  }

  /// The same ranks with separate messages, which cannot be confused with those of this group.
  ///
  /// The corresponding MPI routine is `MPI_Comm_dup`.
  package func duplicate() throws(MPIError) -> Communicator {
    if isWithoutMPI { return self }
    return try derived(by: "MPI_Comm_dup") { MPI_Comm_dup(handle, $0) }
  }

  /// Lets MPI make progress on messages in flight.
  ///
  /// The corresponding MPI routine is `MPI_Iprobe`.
  package func progress() throws(MPIError) {
    if isWithoutMPI { return }
    var found: Int32 = 0
    try check(
      MPI_Iprobe(
        alexnet_mpi_any_source(), 0, handle, &found, alexnet_mpi_status_ignore()), "MPI_Iprobe")
  }

  /// The ranks of the group that run on this rank's host.
  ///
  /// The corresponding MPI routine is `MPI_Comm_split_type` with `MPI_COMM_TYPE_SHARED`.
  package func ranksOnThisHost() throws(MPIError) -> Communicator {
    if isWithoutMPI { return self }
    return try derived(by: "MPI_Comm_split_type") {
      MPI_Comm_split_type(
        handle, alexnet_mpi_comm_type_shared(), Int32(rank), alexnet_mpi_info_null(), $0)
    }
  }

  /// Waits for all ranks without keeping a core busy, for use if a rank may work for minutes.
  ///
  /// The corresponding MPI routines are `MPI_Ibarrier` and `MPI_Test`.
  package func sleepingBarrier() throws(MPIError) {
    if isWithoutMPI { return }
    var request: RequestHandle = alexnet_mpi_request_null()
    try check(MPI_Ibarrier(handle, &request), "MPI_Ibarrier")
    while true {
      var done: Int32 = 0
      try check(MPI_Test(&request, &done, alexnet_mpi_status_ignore()), "MPI_Test")
      if done != 0 { return }
      usleep(2_000)
    }
  }

  /// Waits until all ranks of the group have called this.
  ///
  /// The corresponding MPI routine is `MPI_Ibarrier`, followed by a wait.
  package func barrier() throws(MPIError) {
    if isWithoutMPI { return }
    var request: RequestHandle = alexnet_mpi_request_null()
    try check(MPI_Ibarrier(handle, &request), "MPI_Ibarrier")
    try Waiting.wait(&request, "MPI_Ibarrier")
  }

  /// Sends one buffer to a rank and receives another from it, at the same time.
  ///
  /// The corresponding MPI routine is `MPI_Sendrecv`.
  package func exchange<Element: MPIElement>(
    send: UnsafeBufferPointer<Element>, receive: UnsafeMutableBufferPointer<Element>,
    with peer: Int,
    tag: Int = 0
  ) throws(MPIError) {
    try check(
      MPI_Sendrecv(
        send.baseAddress, Int32(send.count), Element.datatype, Int32(peer), Int32(tag),
        receive.baseAddress, Int32(receive.count), Element.datatype, Int32(peer), Int32(tag),
        handle, alexnet_mpi_status_ignore()), "MPI_Sendrecv")
  }

  /// Starts to send; the buffer must not change until `requests.wait()` has returned.
  ///
  /// The corresponding MPI routine is `MPI_Isend`.
  package func startSend<Element: MPIElement>(
    _ buffer: UnsafeBufferPointer<Element>, to peer: Int, tag: Int, in requests: Requests
  ) throws(MPIError) {
    var request: RequestHandle = alexnet_mpi_request_null()
    let start = Timeline.isRecording ? MonotonicClock.seconds : 0
    try check(
      MPI_Isend(
        buffer.baseAddress, Int32(buffer.count), Element.datatype, Int32(peer), Int32(tag), handle,
        &request), "MPI_Isend")
    if Timeline.isRecording {
      Timeline.sent(
        since: start, to: worldRanks[peer], tag: tag, channel: number,
        bytes: buffer.count * MemoryLayout<Element>.stride)
    }
    requests.add(request)
  }

  /// Starts to receive; the buffer holds the message once `requests.wait()` has returned.
  ///
  /// The corresponding MPI routine is `MPI_Irecv`.
  package func startReceive<Element: MPIElement>(
    into buffer: UnsafeMutableBufferPointer<Element>, from peer: Int, tag: Int,
    in requests: Requests
  ) throws(MPIError) {
    var request: RequestHandle = alexnet_mpi_request_null()
    try check(
      MPI_Irecv(
        buffer.baseAddress, Int32(buffer.count), Element.datatype, Int32(peer), Int32(tag), handle,
        &request), "MPI_Irecv")
    guard Timeline.isRecording else { return requests.add(request) }
    requests.add(
      request,
      Timeline.expected(
        from: worldRanks[peer], tag: tag, channel: number,
        bytes: buffer.count * MemoryLayout<Element>.stride))
  }

  /// Replaces each element by its sum, largest or smallest value over all ranks, the same on every
  /// rank.
  ///
  /// The corresponding MPI routine is `MPI_Iallreduce`, in place, followed by a wait.
  package func allReduce<Element: MPINumber>(
    _ buffer: UnsafeMutableBufferPointer<Element>, _ operation: Reduction
  ) throws(MPIError) {
    try reduce(buffer, operation)
  }

  private func reduce<Element: MPIElement>(
    _ buffer: UnsafeMutableBufferPointer<Element>, _ operation: Reduction
  ) throws(MPIError) {
    if isWithoutMPI { return }
    // A blocking and a non-blocking routine do not match, so all ranks use this one, however they
    // wait.
    var request: RequestHandle = alexnet_mpi_request_null()
    let span = Timeline.begin("all-reduce", .reduction)
    defer { Timeline.end(span, bytes: buffer.count * MemoryLayout<Element>.stride) }
    try check(
      MPI_Iallreduce(
        alexnet_mpi_in_place(), buffer.baseAddress, Int32(buffer.count), Element.datatype,
        operation.handle, handle, &request), "MPI_Iallreduce")
    try Waiting.wait(&request, "MPI_Iallreduce")
  }

  /// Replaces each number of an array so.
  package func allReduce<Element: MPINumber>(
    _ numbers: inout [Element], _ operation: Reduction
  ) throws(MPIError) {
    try numbers.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
      try allReduce(buffer, operation)
    }
  }

  /// The sum, maximum or minimum of one number over all ranks.
  package func allReduce<Element: MPINumber>(
    _ value: Element, _ operation: Reduction
  ) throws(MPIError) -> Element {
    if isWithoutMPI { return value }
    var value = value
    try withUnsafeMutablePointer(to: &value) { pointer throws(MPIError) in
      try allReduce(UnsafeMutableBufferPointer(start: pointer, count: 1), operation)
    }
    return value
  }

  /// Gathers the numbers of all ranks on every rank, in rank order.
  /// - Parameters:
  ///   - numbers: This rank's numbers.
  ///   - counts: How many numbers each rank has.
  /// - Returns: All numbers, one rank after the other.
  /// - Throws: `MPIError` if a message fails.
  package func allGather<Element: MPIElement & AdditiveArithmetic>(
    _ numbers: [Element], counts: [Int]
  ) throws(MPIError) -> [Element] {
    precondition(
      counts[rank] == numbers.count, "Each rank must give as many numbers as it announced.")
    // Each rank adds its numbers to zeros: that needs one MPI routine less, and no offsets.
    var all = [Element](repeating: .zero, count: counts.reduce(0, +))
    let start = counts[..<rank].reduce(0, +)
    all.replaceSubrange(start..<(start + numbers.count), with: numbers)
    guard size > 1 else { return all }
    try all.withUnsafeMutableBufferPointer { buffer throws(MPIError) in try reduce(buffer, .sum) }
    return all
  }

  /// Gathers one number from each rank on every rank, in rank order.
  package func allGather<Element: MPIElement & AdditiveArithmetic>(
    _ number: Element
  ) throws(MPIError) -> [Element] {
    try allGather([number], counts: [Int](repeating: 1, count: size))
  }

  /// Sends one rank's text to all ranks.
  ///
  /// The corresponding MPI routines are `MPI_Allreduce`, for the length, and `MPI_Bcast`.
  package func broadcast(_ text: String, from root: Int) throws(MPIError) -> String {
    if isWithoutMPI { return text }
    var bytes = Array(text.utf8)
    let count = try allReduce(Int64(rank == root ? bytes.count : 0), .sum)
    if rank != root { bytes = [UInt8](repeating: 0, count: Int(count)) }
    let code = bytes.withUnsafeMutableBytes {
      MPI_Bcast($0.baseAddress, Int32($0.count), UInt8.datatype, Int32(root), handle)
    }
    try check(code, "MPI_Bcast")
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Gathers the texts of all ranks on every rank, in rank order.
  package func allGather(_ text: String) throws(MPIError) -> [String] {
    var texts: [String] = []
    for root in 0..<size { texts.append(try broadcast(text, from: root)) }
    return texts
  }
}

/// How the numbers of several ranks are combined.
package enum Reduction: Sendable {
  /// The sum.
  case sum
  /// The maximum.
  case max
  /// The minimum.
  case min

  var handle: MPI_Op {
    switch self {
    case .sum: alexnet_mpi_sum()
    case .max: alexnet_mpi_max()
    case .min: alexnet_mpi_min()
    }
  }
}
