import CMPI
import Glibc

/// Whether ranks of a host may read each other's memory (process_vm_readv), as Open MPI does with
/// large messages.
///
/// Older Dockers deny it, and so do hosts with `kernel.yama.ptrace_scope` above 1. Open MPI, which
/// sees neither, then says "Read -1, expected ..." for each message.
enum MemoryReading {
  /// The system's answer; nil where it allows it.
  static let problem: String? = {
    // A child stands for the other rank: each process may always read its own memory where only
    // others' is protected.
    let code = alexnet_read_others_memory()
    return code == 0 ? nil : String(cString: strerror(code))
  }()

  /// Keeps Open MPI from trying what is denied, unless the user says how; before MPI starts.
  static func avoidIfDenied() {
    if problem != nil { setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0) }
  }
}
