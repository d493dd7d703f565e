import CScheduling
import Glibc
import Synchronization

/// A fork-join thread pool: its threads run one piece of work together.
///
/// The caller is member 0, so a team of one runs everything in the calling thread without overhead.
/// Only one caller uses a team at a time.
package final class ThreadTeam: @unchecked Sendable {
  /// The number of members, including the caller.
  package let count: Int

  private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var threads: [SystemThread] = []
  private var work: ((Int) -> Void)?
  /// Changed with the mutex held, so that nobody who is about to sleep misses it, and read without.
  private let round = Atomic(0)
  private let unfinished = Atomic(0)
  private let ending = Atomic(false)
  /// How often a member looks before it sleeps.
  private let looks: Int

  /// Starts `count - 1` threads, which sleep until there is work.
  /// - Parameters:
  ///   - count: The members, including the caller.
  ///   - staysAwake: Whether who has nothing to do looks for work some 50 microseconds long before
  ///     it sleeps: to be woken takes longer than many pieces of work. Only for members that each
  ///     have a core.
  package init(count: Int, staysAwake: Bool = false) {
    precondition(count > 0, "A team needs at least one thread.")
    self.count = count
    looks = staysAwake ? 1000 : 0
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    pthread_cond_init(done, nil)
    for member in 1..<max(1, count) {
      // The team joins its threads before it is deallocated.
      threads.append(SystemThread { [unowned(unsafe) self] in serve(member) })
    }
  }

  deinit {
    pthread_mutex_lock(mutex)
    ending.store(true, ordering: .releasing)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
    for thread in threads { thread.join() }
    pthread_cond_destroy(wake)
    pthread_cond_destroy(done)
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    wake.deallocate()
    done.deallocate()
  }

  /// Calls `body` once for every member, with its number, in parallel; returns when all are done.
  package func run(_ body: (_ member: Int) -> Void) {
    guard count > 1 else { return body(0) }
    guard let name = Timeline.current else { return runAll(body) }
    runAll { member in Timeline.span(name, .share) { body(member) } }
  }

  private func runAll(_ body: (_ member: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      pthread_mutex_lock(mutex)
      work = body
      unfinished.store(count - 1, ordering: .relaxed)
      round.add(1, ordering: .releasing)
      pthread_cond_broadcast(wake)
      pthread_mutex_unlock(mutex)
      body(0)
      wait(on: done) { unfinished.load(ordering: .acquiring) == 0 }
      work = nil
    }
  }

  /// Returns when something has come about: sleeps on a condition if that takes long.
  private func wait(
    on condition: UnsafeMutablePointer<pthread_cond_t>, until isThere: () -> Bool
  ) {
    for _ in 0..<looks {
      if isThere() { return }
      alexnet_pause()
    }
    pthread_mutex_lock(mutex)
    while !isThere() { pthread_cond_wait(condition, mutex) }
    pthread_mutex_unlock(mutex)
  }

  /// Splits `0..<total` into one contiguous range per member, as even as possible, and calls `body`
  /// for each range that is not empty.
  package func split(_ total: Int, _ body: (_ range: Range<Int>, _ member: Int) -> Void) {
    run { member in
      let range = evenSplit(total, part: member, of: count)
      if !range.isEmpty { body(range, member) }
    }
  }

  /// Makes `count` values in parallel, in the order of their numbers.
  package func map<Value>(_ count: Int, _ make: (_ number: Int) -> Value) -> [Value] {
    [Value](unsafeUninitializedCapacity: count) { buffer, filled in
      let values = buffer
      split(count) { range, _ in
        for number in range { (values.start + number).initialize(to: make(number)) }
      }
      filled = count
    }
  }

  private func serve(_ member: Int) {
    var seen = 0
    while true {
      wait(on: wake) {
        round.load(ordering: .acquiring) != seen || ending.load(ordering: .acquiring)
      }
      if ending.load(ordering: .acquiring) { return }
      seen += 1
      work?(member)
      guard unfinished.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { continue }
      // With the mutex: the caller may be about to sleep.
      pthread_mutex_lock(mutex)
      pthread_cond_signal(done)
      pthread_mutex_unlock(mutex)
    }
  }
}
