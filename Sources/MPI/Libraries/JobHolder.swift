import Glibc
import System

/// The process that holds a rank's job: the nearest ancestor that is not part of the job itself.
///
/// A launcher gives what it starts the job's name in the environment, and all that lies between it
/// and the rank (a script, `time`, `numactl`) has inherited it. So the launcher is known whatever
/// its name is.
package struct JobHolder: Equatable {
  /// Its number.
  package let process: Int32
  /// The name of the first program between it and this process; nil where it is the parent.
  package let wrapper: String?

  package init(process: Int32, wrapper: String?) {
    self.process = process
    self.wrapper = wrapper
  }

  /// Searches this process's ancestors.
  /// - Parameters:
  ///   - environment: The value of a variable of this process.
  ///   - parent: The parent of a process.
  ///   - variables: The environment with which a process was started; nil if it cannot be read.
  /// - Returns: The launcher; nil if Open MPI did not start this process.
  package static func find(
    _ environment: (String) -> String?, parent: (Int32) -> Int32? = parent,
    variables: (Int32) -> Set<String>? = variables
  ) -> JobHolder? {
    // Slurm's srun sets neither.
    guard environment("OMPI_COMM_WORLD_SIZE") != nil,
      let name = ["PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"].first(where: {
        environment($0) != nil
      }), let job = environment(name)
    else { return nil }
    var (process, between): (Int32, Int32?) = (getpid(), nil)
    while let next = parent(process), next > 0 {
      // One that cannot be read is not one of ours.
      guard variables(next)?.contains("\(name)=\(job)") == true else {
        return JobHolder(process: next, wrapper: between.map(programName))
      }
      (process, between) = (next, next)
    }
    return nil
  }

  package static func parent(_ process: Int32) -> Int32? {
    SystemText.lines(of: "/proc/\(process)/status").first { $0.hasPrefix("PPid:") }
      .flatMap { Int32($0.dropFirst(5).filter(\.isNumber)) }
  }

  package static func variables(_ process: Int32) -> Set<String>? {
    // The length of a file of this kind is not known before it is read.
    let file = open("/proc/\(process)/environ", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var (bytes, block) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while case let count = read(file, &block, block.count), count > 0 {
      bytes += block[..<count]
    }
    return Set(bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
  }

  private static func programName(_ process: Int32) -> String {
    SystemText.lines(of: "/proc/\(process)/comm").first ?? "process \(process)"
  }
}
