import Glibc

/// Clocks in seconds.
enum Clock {
  /// Time that only ever goes forward.
  static var monotonic: Double { seconds(CLOCK_MONOTONIC) }
  /// What the calling thread has used of a processor core.
  static var thread: Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
