import CMPI
import Glibc

/// Whether ranks of a host may read each other's memory (process_vm_readv), as Open MPI does with
/// large messages.
///
/// Older Dockers deny it. Open MPI then says "Read -1, expected ..." for each message.
enum MemoryReading {
  /// The system's answer; nil where it allows it.
  static let problem: String? = {
    // What is denied to a container is denied to each process of it, even for its own memory.
    let code = alexnet_read_own_memory()
    return code == 0 ? nil : String(cString: strerror(code))
  }()

  /// Keeps Open MPI from trying what is denied, unless the user says how; before MPI starts.
  static func avoidIfDenied() {
    if problem != nil { setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0) }
  }
}
