import JSON
import Networks
package import System
package import Training

/// The output of a run so far: its settings and the records of metrics.jsonl.
package struct RunMetrics: Sendable {
  /// A training step.
  package struct Step: Sendable, Equatable {
    /// Steps done, epochs done, and hours since the run began, without the time between
    /// resumptions.
    package let step: Int
    package let epoch: Double
    package let hours: Double
    /// The batch's mean loss in nats and its top-1 error in percent.
    package let loss: Double
    package let error: Double
    /// The weights' learning rate.
    package let learningRate: Double
    /// The step's duration, and the parts of it spent on exchanges and on waiting for images.
    package let seconds: Double
    package let exchangeSeconds: Double
    package let dataWaitSeconds: Double
  }

  /// A validation.
  package struct Validation: Sendable, Equatable {
    /// Steps done, epochs done, and hours as in `Step`.
    package let step: Int
    package let epoch: Double
    package let hours: Double
    /// The mean loss in nats, and the errors in percent.
    package let loss: Double
    package let top1Error: Double
    /// Nil for five classes or fewer.
    package let top5Error: Double?
    /// The number of validation images.
    package let images: Int
  }

  /// The layers' health at a validation.
  package struct Health: Sendable, Equatable {
    /// Steps done.
    package let step: Int
    /// The layers with weights.
    package let layers: [LayerHealth]
  }

  /// The run's folder.
  package let directory: RunDirectory
  /// The settings that it was started with.
  package let settings: TrainingSettings
  /// The text of config.json.
  package let configuration: String
  /// The training steps.
  package private(set) var steps: [Step] = []
  /// The validations.
  package private(set) var validations: [Validation] = []
  /// The layers' health.
  package private(set) var health: [Health] = []
  /// The numbers of the lines that are not records and are skipped; the first line is 1.
  package private(set) var leftOut: [Int] = []

  /// A warning about skipped lines; nil if there are none.
  package var warning: String? {
    guard let first = leftOut.first else { return nil }
    let file = quoted(directory.metrics)
    return leftOut.count == 1
      ? "Warning: line \(first) of \(file) is not a complete record of this program, and is left "
        + "out."
      : "Warning: \(leftOut.count) lines of \(file) are not complete records of this program, and "
        + "are left out; the first is line \(first)."
  }

  /// The largest metrics.jsonl to read, some ten million steps, and the limits for one line.
  private static let longest = 4 << 30
  private static let bounds = JSONText.Bounds(depth: 8, values: 1 << 16)

  private struct Line: Decodable {
    let kind: String
    let step: Int
    var epoch: Double?
    var loss: Double?
    var trainingError: Double?
    var learningRate: Double?
    var seconds: Double?
    var exchangeSeconds: Double?
    var dataWaitSeconds: Double?
    var top1Error: Double?
    var top5Error: Double?
    var images: Int?
    var layers: [LayerHealth]?
  }

  /// Reads a run, which may still be training.
  ///
  /// A line that is not a record is skipped: a crash of the machine may leave half a line, or
  /// zeros.
  /// - Throws: `Failure` (inputMissing) if there is no run, (badData) if no line is a record.
  package init(_ path: String) throws(Failure) {
    directory = RunDirectory(path)
    guard FileStatus(directory.configuration) != nil else {
      throw Failure(
        .inputMissing,
        "\(quoted(path)) is not a run: it holds no config.json; name the folder of a run."
      )
    }
    configuration = try TextFile.read(directory.configuration)
    settings = try TrainingSettings(configuration, from: directory.configuration)
    guard FileStatus(directory.metrics) != nil else { return }
    let data = try RegularFile.contents(of: directory.metrics, limit: Self.longest)
    var lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    var seconds = 0.0
    for (number, text) in lines.enumerated() {
      guard
        let line = try? JSONText.value(
          Line.self, Array(text), Self.bounds, from: directory.metrics)
      else {
        leftOut.append(number + 1)
        continue
      }
      seconds += line.seconds ?? 0
      add(line, hours: seconds / 3600)
    }
    guard lines.isEmpty || leftOut.count < lines.count else {
      throw Failure(
        .badData, "No line of \(quoted(directory.metrics)) is a complete record of this program.")
    }
  }

  private mutating func add(_ line: Line, hours: Double) {
    switch line.kind {
    case "step":
      guard let loss = line.loss, let epoch = line.epoch, let seconds = line.seconds else { return }
      steps.append(
        Step(
          step: line.step, epoch: epoch, hours: hours, loss: loss,
          error: line.trainingError ?? .nan,
          learningRate: line.learningRate ?? .nan, seconds: seconds,
          exchangeSeconds: line.exchangeSeconds ?? 0, dataWaitSeconds: line.dataWaitSeconds ?? 0))
    case "validation":
      guard let loss = line.loss, let epoch = line.epoch, let top1 = line.top1Error else { return }
      validations.append(
        Validation(
          step: line.step, epoch: epoch, hours: hours, loss: loss, top1Error: top1,
          top5Error: NetworkSpecification.hasTop5Error(classes: settings.network.classes)
            ? line.top5Error : nil,
          images: line.images ?? 0))
    case "health":
      if let layers = line.layers { health.append(Health(step: line.step, layers: layers)) }
    // A newer program may write more kinds.
    default: break
    }
  }

  /// The run's name in legends: its folder's name.
  package var name: String {
    let name = directory.path.split(separator: "/").last.map(String.init) ?? directory.path
    return name.isEmpty ? directory.path : name
  }
}
