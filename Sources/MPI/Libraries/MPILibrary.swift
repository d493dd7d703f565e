import CMPI
import Glibc

/// What is known of this MPI library beyond the standard.
enum MPILibrary {
  /// Bytes of address space that it takes when it starts, and some more: with less it crashes.
  static let memoryOfStart = 256 << 20

  /// Ends every rank of the job, without the block of text that MPI_Abort prints.
  static func abort(_ code: Int32) { alexnet_mpi_abort(code) }

  /// Ends the streams to other hosts in order: the library says a lot about one that is reset.
  static func hangUp() { alexnet_hang_up() }

  /// The ranks on this host, as the environment of a rank tells them; nil where nobody says.
  static var ranksOnThisHost: Int? { number(["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"]) }

  /// The rank as the launcher's environment tells it; nil where nobody says.
  static var rankByLauncher: Int? {
    number(["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"])
  }

  /// The first of some variables that holds a number.
  private static func number(_ variables: [String]) -> Int? {
    variables.lazy.compactMap { (name: String) in
      getenv(name).flatMap { Int(String(cString: $0)) }
    }.first
  }
}
