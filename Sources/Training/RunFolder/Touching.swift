import Glibc
import Synchronization
import System

/// A thread that shows runs on other hosts that the lock's owner is alive, however long a step or
/// the start takes.
///
/// It stops when the process is stopped, and the folder can then be taken over.
final class Touching: @unchecked Sendable {
  private let isEnding = Atomic<Bool>(false)
  private var thread: SystemThread?

  /// The number of seconds between touches; a new run must miss several of them.
  private static let beat = 2.0
  /// The longest time in seconds that the owner waits for the thread's end.
  private static let tick = 0.1

  /// Starts touching a file.
  init(_ descriptor: Int32) {
    thread = SystemThread { [unowned self] in
      var last = -Double.infinity
      while !isEnding.load(ordering: .relaxed) {
        if MonotonicClock.seconds - last >= Self.beat {
          futimens(descriptor, nil)
          last = MonotonicClock.seconds
        }
        usleep(UInt32(Self.tick * 1e6))
      }
    }
  }

  /// Stops, before the file is closed; called once.
  func stop() {
    isEnding.store(true, ordering: .relaxed)
    thread?.join()
  }
}
