package import System

extension Arguments {
  /// Checks the files that a command writes, before its work: each can be written, no two are the
  /// same, and none is one that the command reads, by another option or as an operand.
  /// - Parameters:
  ///   - options: The options that name files to write.
  ///   - others: Files that are written besides, and what asks for each.
  ///   - coming: A folder that the work makes.
  /// - Throws: `Failure` as `OutputPlace.check` does.
  package func checkOutputs(
    _ options: [Option<String>], and others: [(option: String, path: String)] = [],
    coming: String? = nil
  ) throws(Failure) {
    let named = options.compactMap { option in
      self[option].map { (option: "--\(option.declaration.name)", path: $0) }
    }
    let written = Set(options.map(\.declaration.name))
    let given = values.filter { !written.contains($0.key) }.values.joined()
    try OutputPlace.check(
      named + others, reading: given.compactMap { $0 as? String } + operands, coming: coming)
  }
}
