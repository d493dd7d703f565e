import Glibc

/// A thread of the operating system that runs a closure.
package struct SystemThread: Sendable {
  private let handle: pthread_t

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a thread; nil if the system cannot start another one.
  package init?(ifPossible body: @escaping @Sendable () -> Void) {
    let argument = Unmanaged.passRetained(Body(body))
    var handle = pthread_t()
    let code = pthread_create(
      &handle, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      return nil
    }
    self.handle = handle
  }

  /// Starts a thread that the program needs; ends the program where the system has none.
  package init(_ body: @escaping @Sendable () -> Void) {
    guard let thread = SystemThread(ifPossible: body) else {
      StandardStream.error.tell(
        "The system cannot start another thread; raise the limit of processes (ulimit -u).\n")
      _exit(ExitCode.usage.rawValue)
    }
    self = thread
  }

  /// Waits for its end; call this once.
  package func join() { pthread_join(handle, nil) }
}
