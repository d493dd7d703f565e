import Glibc

/// A clock that never goes back, even if the date is changed.
package enum MonotonicClock {
  /// Seconds since some point in the past.
  package static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// The processor time of the calling thread.
package enum ThreadClock {
  /// Seconds of processor time.
  package static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
