import System

/// The names of a run's checkpoints, as paths in the run's folder.
enum CheckpointName {
  /// The folder of the checkpoints.
  static let folder = RunFiles.checkpoints
  /// Their file ending.
  static let suffix = ".safetensors"

  /// A second name of the newest checkpoint.
  static let latest = "\(folder)/latest\(suffix)"
  /// A second name of the checkpoint with the lowest validation error.
  static let best = "\(folder)/best\(suffix)"

  /// The checkpoint after a number of steps.
  static func checkpoint(afterSteps steps: Int) -> String { "\(folder)/\(name(steps))" }

  /// The steps of the checkpoint with this file name; nil if it is not a checkpoint name.
  ///
  /// `step-00000005 (copy).safetensors` belongs to the user, and so does `step-5.safetensors`.
  static func steps(_ name: String) -> Int? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix),
      let steps = Int(name.dropFirst(prefix.count).dropLast(suffix.count)),
      steps >= 0, name == self.name(steps)
    else { return nil }
    return steps
  }

  /// Whether a name in the folder is that of a file that was being written.
  static func isPartial(_ name: String) -> Bool {
    guard name.hasSuffix(PartialFile.suffix) else { return false }
    let whole = String(name.dropLast(PartialFile.suffix.count))
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
