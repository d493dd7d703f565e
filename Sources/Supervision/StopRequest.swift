/// What the user or the system asks a run to do, in order of urgency.
package enum StopRequest: Int64, Comparable, Sendable {
  /// Nothing.
  case none = 0
  /// Save a checkpoint and continue (SIGUSR2).
  case save = 1
  /// Save a checkpoint and exit (SIGUSR1, Ctrl-C, the time limit).
  case saveAndLeave = 2
  /// Exit before the process is killed; save only if there is time (SIGTERM, SIGHUP).
  case leave = 3

  /// Whether one request is less urgent than the other.
  package static func < (a: StopRequest, b: StopRequest) -> Bool { a.rawValue < b.rawValue }
}
