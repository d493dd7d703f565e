/// What the files of a run's checkpoints are called, by their paths in the run's folder.
enum CheckpointName {
  /// Where they are.
  static let folder = "checkpoints"
  /// How their names end.
  static let suffix = ".safetensors"
  /// What follows the name of a file that is being written.
  static let partialSuffix = ".partial"

  /// A second name of the newest one.
  static let latest = "\(folder)/latest\(suffix)"
  /// A second name of the one with the lowest validation error.
  static let best = "\(folder)/best\(suffix)"

  /// The checkpoint after a number of steps.
  static func checkpoint(afterSteps steps: Int) -> String { "\(folder)/\(name(steps))" }

  /// The checkpoint while it is being written.
  static func partial(afterSteps steps: Int) -> String {
    checkpoint(afterSteps: steps) + partialSuffix
  }

  /// The steps of the checkpoint that a name in the folder stands for; nil if no checkpoint has that name.
  ///
  /// `step-00000005 (copy).safetensors` is a file of the user's, and so is `step-5.safetensors`.
  static func steps(_ name: String) -> Int? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix),
      let steps = Int(name.dropFirst(prefix.count).dropLast(suffix.count)),
      steps >= 0, name == self.name(steps)
    else { return nil }
    return steps
  }

  /// Whether a name in the folder is of a file that was being written.
  static func isPartial(_ name: String) -> Bool {
    guard name.hasSuffix(partialSuffix) else { return false }
    let whole = String(name.dropLast(partialSuffix.count))
    return steps(whole) != nil || [latest, best].contains("\(folder)/\(whole)")
  }

  private static let prefix = "step-"
  private static let digits = 8

  private static func name(_ steps: Int) -> String {
    let number = String(steps)
    let zeros = String(repeating: "0", count: max(0, digits - number.count))
    return prefix + zeros + number + suffix
  }
}
