import Glibc
import System
import Testing

/// Signals of the process: no other test uses SIGURG and SIGWINCH.
@Suite(.serialized) struct AwaitedSignalsTests {
  @Test func aSignalIsTakenWhateverThreadGetsIt() throws {
    let awaited = try AwaitedSignals([SIGURG, SIGWINCH])
    #expect(awaited.next(within: 0.01) == nil)
    for _ in 0..<200 {
      kill(getpid(), SIGURG)
      kill(getpid(), SIGWINCH)
      // Two at once may come in either order.
      let both = [awaited.next(within: 10), awaited.next(within: 10)]
      #expect(Set(both) == [SIGURG, SIGWINCH])
    }
    #expect(awaited.next(within: 0.01) == nil)
  }

  @Test func allIsAsBeforeAtTheEnd() throws {
    do {
      let awaited = try AwaitedSignals([SIGURG])
      #expect(awaited.next(within: 0) == nil)
    }
    var action = sigaction()
    sigaction(SIGURG, nil, &action)
    #expect(action.__sigaction_handler.sa_handler == nil)
  }
}
