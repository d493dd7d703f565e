package import MPI
import System

/// What the ranks tell each other after each step, so that all of them do the same next.
///
/// One all-reduce of four numbers over all ranks: a few microseconds in a step of a second.
package struct StepAgreement {
  /// What one rank knows, and after `agree` what all ranks know together.
  package struct News: Sendable, Equatable {
    /// The most urgent request.
    package var request = StopRequest.none
    /// The shortest time in seconds that a rank has left before it is killed.
    package var secondsLeft = Double.infinity
    /// Whether a rank is still writing its part of a checkpoint.
    package var isWriting = false
    /// The first parameter with a number that is not finite, as an index in the network.
    package var nonFinite: Int?

    /// No news.
    package init() {}
  }

  private let world: Communicator
  private static let far: Int64 = 1 << 40

  package init(_ world: Communicator) { self.world = world }

  /// Exchanges the news; all ranks call this together and get the same result.
  package func agree(on own: News) throws(MPIError) -> News {
    let milliseconds = Int64(min(max(own.secondsLeft, -1e6), 1e8) * 1000)
    var numbers: [Int64] = [
      own.request.rawValue, -(own.secondsLeft.isFinite ? milliseconds : Self.far),
      own.isWriting ? 1 : 0, own.nonFinite.map { Self.far - Int64($0) } ?? 0,
    ]
    let world = world
    try Activity.waiting(for: "agreement after the step") { () throws(MPIError) in
      try world.allReduce(&numbers, .max)
    }
    var all = News()
    all.request = StopRequest(rawValue: numbers[0]) ?? .none
    all.secondsLeft = -numbers[1] == Self.far ? .infinity : Double(-numbers[1]) / 1000
    all.isWriting = numbers[2] != 0
    all.nonFinite = numbers[3] == 0 ? nil : Int(Self.far - numbers[3])
    return all
  }
}
