/// What the outside asks a run to do, the more urgent the larger.
package enum StopRequest: Int64, Comparable, Sendable {
  /// Nothing.
  case none = 0
  /// Save a checkpoint and go on (SIGUSR2).
  case save = 1
  /// Save a checkpoint and leave (SIGUSR1, Ctrl-C, the time limit).
  case saveAndLeave = 2
  /// Leave before the process is killed; save only if that fits into the time left (SIGTERM, SIGHUP).
  case leave = 3

  /// Whether one is less urgent than the other.
  package static func < (a: StopRequest, b: StopRequest) -> Bool { a.rawValue < b.rawValue }
}
