import Glibc

/// A lock with a condition variable.
package final class Monitor: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private let ownsMemory: Bool

  /// A monitor for the threads of this process.
  package init() {
    (mutex, condition) = (.allocate(capacity: 1), .allocate(capacity: 1))
    ownsMemory = true
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  /// A monitor in the first 256 bytes of memory shared by several processes; one of them `makes`
  /// it.
  package init(at memory: UnsafeMutableRawPointer, makes: Bool) {
    mutex = memory.bindMemory(to: pthread_mutex_t.self, capacity: 1)
    condition = (memory + 128).bindMemory(to: pthread_cond_t.self, capacity: 1)
    ownsMemory = false
    guard makes else { return }
    var lock = pthread_mutexattr_t()
    pthread_mutexattr_init(&lock)
    pthread_mutexattr_setpshared(&lock, Int32(PTHREAD_PROCESS_SHARED))
    pthread_mutex_init(mutex, &lock)
    pthread_mutexattr_destroy(&lock)
    var news = pthread_condattr_t()
    pthread_condattr_init(&news)
    pthread_condattr_setpshared(&news, Int32(PTHREAD_PROCESS_SHARED))
    pthread_cond_init(condition, &news)
    pthread_condattr_destroy(&news)
  }

  deinit {
    // Other processes may still use a shared one; it is freed with its memory.
    guard ownsMemory else { return }
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Runs `body` while no other thread holds the lock.
  package func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Waits, inside `locked`, until another thread calls `wakeAll`; the lock is free meanwhile.
  package func wait() { pthread_cond_wait(condition, mutex) }

  /// Wakes the threads that wait.
  package func wakeAll() { pthread_cond_broadcast(condition) }
}
