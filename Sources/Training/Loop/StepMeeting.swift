import MPI
import Supervision
import System
import Towers

/// What the ranks tell each other between steps: what is asked of the run, and what has become of
/// its files and numbers.
struct StepMeeting {
  private let network: Network
  private let world: Communicator
  private let agreement: StepAgreement
  private let endTime: Double?
  private let keeper: RunKeeper?
  private let journal: RunJournal
  private let checkpoints: CheckpointStore

  /// Makes it; all ranks meet in the same places.
  /// - Parameters:
  ///   - network: What learns.
  ///   - world: All ranks.
  ///   - endTime: When the run saves and leaves, by the monotonic clock; nil for never.
  ///   - keeper: What looks after the run's folder, in the first rank.
  ///   - journal: What the run says.
  ///   - checkpoints: Those of the run.
  init(
    _ network: Network, _ world: Communicator, endTime: Double?, _ keeper: RunKeeper?,
    _ journal: RunJournal, _ checkpoints: CheckpointStore
  ) {
    self.network = network
    self.world = world
    agreement = StepAgreement(world)
    self.endTime = endTime
    self.keeper = keeper
    self.journal = journal
    self.checkpoints = checkpoints
  }

  /// Tells the other ranks what this one knows, and publishes a checkpoint that all have written.
  /// - Parameters:
  ///   - nonFinite: The place of an own parameter that is no longer finite.
  ///   - secondsPerStep: What a step takes.
  /// - Returns: What all ranks know between them.
  /// - Throws: `Failure` where the run's folder or a checkpoint is lost, `MPIError` where a message
  ///   fails.
  func agree(nonFinite: Int? = nil, secondsPerStep: Double) throws -> StepAgreement.News {
    var own = StepAgreement.News()
    let isTimeUp =
      world.rank == 0 && endTime.map { isTooLate(for: $0, secondsPerStep) } ?? false
    try keeper?.lookNowAndThen(journal.say)
    let isMoved = keeper?.isMoved ?? false
    own.request = max(StopSignals.current, isTimeUp || isMoved ? .saveAndLeave : .none)
    own.secondsLeft = StopSignals.secondsLeft
    own.isWriting = checkpoints.isWriting
    own.nonFinite = Divergence(network, world).number(ofParameter: nonFinite)
    let news = try agreement.agree(on: own)
    try checkpoints.poll(isWritingAnywhere: news.isWriting)
    return news
  }

  /// Whether another step and a save would end after a time.
  private func isTooLate(for end: Double, _ secondsPerStep: Double) -> Bool {
    MonotonicClock.seconds + secondsPerStep + checkpoints.expectedSeconds > end
  }

  /// Whether a last save fits into the time that is left; all ranks decide alike, by the slowest
  /// one's guess.
  func canSave(_ news: StepAgreement.News) throws(MPIError) -> Bool {
    let expected = try world.allReduce(1.5 * checkpoints.expectedSeconds, .max)
    return news.request == .saveAndLeave || expected < news.secondsLeft
  }
}
