import System

/// What a preparation reports while it runs.
package enum PreparationEvent: Sendable {
  /// What was recognised in the source, before anything is prepared.
  case recognised(RecognisedSource)
  /// A sentence that the user should see.
  case note(String)
  /// What will be prepared.
  case planned(PreparationForecast)
  /// The progress, several times a second.
  case progress(PreparationProgress)
}

/// What was recognised in a source.
package struct RecognisedSource: Sendable {
  /// The kind of source, `class folders`.
  package let kind: String
  /// Where its parts were found, as the rest of a sentence; empty if the kind says it all.
  package let layout: String
  /// The names of the classes.
  package let classNames: [String]
  /// The pictures of each part.
  package let counts: [Split: Int]
  /// The fraction of the training pictures that is held out for validation, from 0 to 1; nil if none
  /// is.
  package let holdOut: Double?
}

/// What will be prepared.
package struct PreparationForecast: Sendable {
  /// The kind of source, `class folders`.
  package let kind: String
  /// The number of classes.
  package let classes: Int
  /// The pictures to prepare for training.
  package let train: Int
  /// The pictures to prepare for validation.
  package let validation: Int
  /// The pictures to prepare for testing.
  package let test: Int
  /// The dataset's size on disk in bytes, extrapolated from a sample.
  package let bytes: UInt64
  /// The free disk space there in bytes, if the system reports it.
  package let freeBytes: UInt64?
}

/// The progress of a preparation.
package struct PreparationProgress: Sendable {
  /// Pictures that are done, rejected ones included.
  package let done: Int
  /// All pictures.
  package let total: Int
  /// Pictures that could not be used so far.
  package let rejected: Int
  /// Seconds since the first picture.
  package let seconds: Double

  /// The mean speed so far.
  package var imagesPerSecond: Double { Double(done) / max(seconds, 1e-9) }
  /// Seconds left at that speed.
  package var secondsLeft: Double { Double(total - done) / max(imagesPerSecond, 1e-9) }
}

/// What a preparation did.
package struct PreparationSummary: Sendable {
  /// Pictures for training.
  package let train: Int
  /// Pictures for validation.
  package let validation: Int
  /// Pictures for testing.
  package let test: Int
  /// The number of classes.
  package let classes: Int
  /// Pictures that could not be used and are listed in `rejected.jsonl`.
  package let rejected: Int
  /// The reasons, kind by kind, each with an example.
  package let rejectedKinds: [String]
  /// Other notes for the user.
  package let notes: [String]
  /// Sentences about identical pictures, which a file lists; empty if there are none.
  package let duplicates: [String]
  /// The dataset's size on disk in bytes.
  package let bytes: UInt64
  /// How long it took.
  package let seconds: Double

  /// The fraction of pictures that could not be used.
  package var rejectedShare: Double {
    Double(rejected) / Double(max(1, train + validation + test + rejected))
  }
}

/// Counts the pictures that the threads finish, and reports progress from time to time.
final class ProgressReporter: @unchecked Sendable {
  private let monitor = Monitor()
  private let total: Int
  // This process prepares `own` of the pictures; the others are assumed to be as fast.
  private let own: Int
  private let start = MonotonicClock.seconds
  private var lastReport = MonotonicClock.seconds
  private var done = 0
  private var rejected = 0
  private let report: (PreparationEvent) -> Void

  init(total: Int, own: Int, report: @escaping (PreparationEvent) -> Void) {
    self.total = total
    self.own = own
    self.report = report
  }

  /// Counts one picture.
  func count(isRejected: Bool) {
    monitor.locked {
      done += 1
      rejected += isRejected ? 1 : 0
      let now = MonotonicClock.seconds
      guard now - lastReport > 0.2 || done == own else { return }
      lastReport = now
      report(
        .progress(
          PreparationProgress(
            done: done * total / own, total: total, rejected: rejected * total / own,
            seconds: now - start)))
    }
  }
}
