import Kernels
import Layers
import MPI
import System
import Tensors

/// What a program is and what it computes with: whatever of it may change the result of a run.
package struct ProgramVersion: Codable, Equatable, Sendable {
  /// The number of the release.
  package var version: String
  /// The commit that was built; nil where the build was not told.
  package var commit: String?
  /// SHA-256 of the program's file.
  package var program: String?
  /// The version of Swift.
  package var swift: String
  /// The MPI library, as loaded.
  package var mpi: String
  /// OpenBLAS, as loaded.
  package var openBLAS: String
  /// The processor that OpenBLAS computes for, and the instruction set of our inner loops.
  package var arithmetic: String

  /// Asks this program and its libraries; MPI need not have started.
  package init() {
    version = Version.number
    commit = Version.commit
    program = Machine.programChecksum
    swift = Self.swiftVersion
    mpi = MPI.Environment.libraryVersion
    openBLAS = BLAS.libraryVersion
    arithmetic = InstructionSet.current
  }

  /// The version of the compiler, as far as it can be asked.
  private static var swiftVersion: String {
    #if compiler(>=6.4)
      "6.4 or newer"
    #elseif compiler(>=6.3.2)
      "6.3.2 or newer"
    #elseif compiler(>=6.3.1)
      "6.3.1"
    #else
      "6.3"
    #endif
  }

  /// The version and the commit.
  package var release: String {
    "\(version) (\(commit.map { "commit " + $0 } ?? "commit unknown"))"
  }

  /// What `--version` prints.
  package func text(of name: String) -> String {
    """
    \(name) \(version)
    commit           \(commit ?? "unknown (built without scripts/install or scripts/quickstart)")
    Swift            \(swift)
    MPI              \(mpi)
    BLAS             \(openBLAS)
    instruction set  \(arithmetic) (OpenBLAS, own loops)
    program's file   SHA-256 \(program ?? "unreadable")

    """
  }
}
