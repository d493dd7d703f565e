import Data
import Glibc
import JSON
import Kernels
import Layers
package import MPI
import System
import Tensors

/// Facts about a rank and its host; those of all ranks together show the problems of a cluster.
package struct RankFacts: Codable, Equatable, Sendable {
  /// The rank's number from mpirun.
  package var rank: Int
  /// The host's name.
  package var host: String
  /// The cores that the rank may use.
  package var cores: [Int]
  /// The number of cores of the host, or of those that a batch job was given there.
  package var hostCores: Int
  /// The number of hardware threads of the host; nil from programs that did not ask.
  package var hostThreads: Int?
  /// The processors' worth of time that control groups allow the host's ranks; nil for no limit.
  package var quota: Double?
  /// Why this rank cannot read another one's memory; nil if it can.
  package var readingProblem: String?
  /// The number of its compute threads.
  package var threads: Int
  /// The free memory of the host in bytes; nil if the system does not report it.
  package var memory: Int?
  /// The memory in bytes that the rank will need.
  package var needed: Int
  /// The free bytes in /dev/shm, through which the ranks of a host communicate; nil if it does not
  /// exist.
  package var sharedMemory: Int?
  /// The host's clock minus the first rank's, in seconds.
  package var clock: Double
  /// MPI's name and version.
  package var mpi: String
  /// Whether a separate thread may keep messages moving.
  package var allowsConcurrentCalls: Bool
  /// The processor that OpenBLAS computes for, and the instruction set of our inner loops.
  package var arithmetic: String
  /// A checksum of the program's file.
  package var program: String
  /// A checksum of the dataset's description; nil if no dataset was named.
  package var dataset: String?
  /// The problem with the dataset on this host.
  package var datasetProblem: String?
  /// Whether this rank sees the first rank's folder for runs; nil if none was named.
  package var sharesRunFolder: Bool?

  /// Collects the facts; all ranks call this together.
  /// - Parameters:
  ///   - world: All ranks, in any order.
  ///   - rank: This rank's number from mpirun.
  ///   - cores: The cores that the ranks use.
  ///   - needed: The memory in bytes that the rank will need.
  ///   - dataset: The folder of a dataset to check.
  ///   - runFolder: The folder in which the run's folder will be made.
  /// - Throws: `MPIError` if a message fails.
  package init(
    _ world: Communicator, rank: Int, cores: Cores, needed: Int, dataset: String?,
    runFolder: String?
  ) throws(MPIError) {
    self.rank = rank
    host = Machine.hostName
    self.cores = Processors.own.cores
    hostCores = cores.hostCores
    hostThreads = Processors.own.machineThreads
    quota = Processors.own.quota
    readingProblem = MPI.Environment.memoryReadingProblem
    threads = cores.threads
    memory = Memory.available
    self.needed = needed
    sharedMemory = FreeSpace.bytes(at: "/dev/shm").map { Int(clamping: $0) }
    clock = try Self.clockOffset(world)
    mpi = MPI.Environment.libraryVersion
    allowsConcurrentCalls = MPI.Environment.allowsConcurrentCalls
    arithmetic = InstructionSet.current
    program = Machine.programChecksum ?? "unreadable"
    if let dataset {
      do throws(Failure) {
        self.dataset = try Dataset(opening: dataset).checksum
      } catch {
        datasetProblem = error.message
      }
    }
    sharesRunFolder = try runFolder.map { folder throws(MPIError) in
      try Self.sees(folder, world)
    }
  }

  /// The facts of all ranks, in the order of `world`.
  package func gathered(over world: Communicator) throws -> [RankFacts] {
    let own = JSONText.encode(self, isPretty: false)
    return try world.allGather(own).map {
      try JSONText.value(RankFacts.self, Array($0.utf8), from: "the facts of a rank")
    }
  }

  /// The difference to the first rank's clock: all ranks read theirs when they leave the same
  /// barrier.
  private static func clockOffset(_ world: Communicator) throws(MPIError) -> Double {
    try world.barrier()
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let own = Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    return own - (try world.allReduce(world.rank == 0 ? own : 0, .sum))
  }

  /// Whether this rank sees a file that the first rank makes in a folder.
  private static func sees(_ folder: String, _ world: Communicator) throws(MPIError) -> Bool {
    let path = try world.broadcast("\(folder)/.alexnet-doctor-\(getpid())", from: 0)
    if world.rank == 0 {
      let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600)
      if file >= 0 { close(file) }
    }
    try world.barrier()
    let isThere = access(path, F_OK) == 0
    try world.barrier()
    if world.rank == 0 { unlink(path) }
    return isThere
  }
}
