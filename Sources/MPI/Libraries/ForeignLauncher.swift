import CMPI
import Glibc
import System

/// A launcher of another MPI than the one that the program was built for: each process that it
/// starts is rank 0 of 1, and all would do the same work into the same folder.
package enum ForeignLauncher {
  /// Refuses ranks that were started together and do not know of each other.
  ///
  /// One process speaks; the others give it the time to.
  /// - Throws: `Failure` (usage) that says how to start the program.
  static func refuse(worldSize: Int, library: String) throws(Failure) {
    let environment = { (name: String) in getenv(name).map { String(cString: $0) } }
    guard let sentence = complaint(worldSize: worldSize, library: library, environment) else {
      return
    }
    if rank(environment) != 0 {
      sleep(2)
      _exit(ExitCode.usage.rawValue)
    }
    throw Failure(.usage, sentence)
  }

  /// What is wrong; nil if nothing is.
  package static func complaint(
    worldSize: Int, library: String, _ environment: (String) -> String?
  ) -> String? {
    guard worldSize == 1,
      let (name, size) = sizes.compactMap({ name in
        environment(name).flatMap { Int($0) }.map { (name, $0) }
      }).first(where: { $0.1 > 1 })
    else { return nil }
    return "A launcher has started \(size) processes (\(name) is \(size)), but to \(library), for "
      + "which this program was built, each of them is alone; start them by the mpirun of that MPI."
  }

  private static func rank(_ environment: (String) -> String?) -> Int {
    ranks.compactMap { environment($0).flatMap { Int($0) } }.first ?? 0
  }

  /// Open MPI's own; those of MPICH, Intel MPI, MVAPICH and Cray.
  private static let sizes = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"]
  /// Not PMIX_RANK, which Open MPI itself sets to 0 in a process that it takes for a single one.
  private static let ranks = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "MPI_LOCALRANKID"]
}
