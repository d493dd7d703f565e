import Glibc

/// The process that started this rank.
public enum Launcher {
  private static let names: Set<String> = ["mpirun", "orterun", "orted", "prterun", "prted"]

  /// Whether it is Open MPI's (mpirun, or its daemon on another host), which forwards signals and ends ranks.
  public static let isOpenMPI: Bool = {
    guard let file = fopen("/proc/\(getppid())/comm", "r") else { return false }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 64)
    guard fgets(&line, Int32(line.count), file) != nil else { return false }
    let name = String(
      decoding: line.prefix { $0 > 0x20 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return names.contains(name)
  }()

  static let process = getppid()

  /// Whether it has died: a process that loses its parent is given another one.
  static var isGone: Bool { isOpenMPI && getppid() != process }

  /// Seconds that Open MPI gives its ranks after SIGCONT, and again after SIGTERM, before it kills them.
  ///
  /// mpirun's parameter `odls_base_sigkill_timeout`, by default one second.
  public static let killTimeout: Double = {
    guard let text = getenv("OMPI_MCA_odls_base_sigkill_timeout") else { return 1 }
    return max(1, Double(String(cString: text)) ?? 1)
  }()

  /// Makes Open MPI end the job where `MPI_Abort` cannot, its message being lost in a cut network: the second
  /// SIGTERM ends mpirun and its daemons at once.
  static func endJob() {
    SharedMemory.remove()
    for _ in 0..<2 {
      // The parent of a process that has lost its own is init, which nobody meant.
      guard isOpenMPI, !isGone else { return }
      kill(process, SIGTERM)
      usleep(300_000)
    }
  }
}
