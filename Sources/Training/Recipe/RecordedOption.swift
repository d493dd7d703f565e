package import Options
package import System

/// An option whose value a run records.
///
/// Its declaration says where the value stands in the settings, and so in config.json and in every
/// checkpoint. Reading a command line, checking a file, comparing a run that goes on with its
/// record, and the messages about all that follow from it.
package protocol RecordedOption: AnyOption {
  /// Whether another value gives another result, so that a run that goes on must keep it.
  var changesResult: Bool { get }
  /// Puts the value of the option into the settings, where it was given.
  func take(from arguments: Arguments, into settings: inout TrainingSettings)
  /// Puts what holds without the option into the settings of a new run.
  func setStandard(in settings: inout TrainingSettings)
  /// Checks that a value that was read from a file is one that the option takes.
  /// - Throws: `Failure` (badData) that names the file, the option, the value and what it takes.
  func check(_ settings: TrainingSettings, from path: String) throws(Failure)
  /// How the value differs from that of a run, in one sentence; nil if it does not.
  func difference(from saved: TrainingSettings, _ now: TrainingSettings) -> String?
}

/// Where a value stands in the settings.
package typealias SettingPlace<Value> = any WritableKeyPath<TrainingSettings, Value> & Sendable

/// An option with a value that a run records.
package struct Recorded<Value: Equatable & Sendable>: RecordedOption {
  private let option: Option<Value>
  private let standard: Value?
  private let value: @Sendable (TrainingSettings) -> Value?
  private let set: @Sendable (inout TrainingSettings, Value) -> Void
  package let changesResult: Bool

  /// Declares an option that may be left out of the settings.
  /// - Parameters:
  ///   - name: The name without its two dashes, `batch-size`.
  ///   - valueName: What stands for the value in the help text, `N`.
  ///   - reading: How the value is read, and its bounds.
  ///   - place: Where it stands in the settings.
  ///   - standard: What a new run has without the option.
  ///   - unit: What the help text writes behind that.
  ///   - defaultText: What the help text says instead of that.
  ///   - changesResult: Whether a run that goes on must keep the value.
  ///   - help: One sentence.
  package init(
    _ name: String, _ valueName: String, _ reading: Reading<Value>,
    _ place: SettingPlace<Value?>, standard: Value? = nil,
    unit: String? = nil, default defaultText: String? = nil, changesResult: Bool, _ help: String
  ) {
    self.init(
      name, valueName, reading, { $0[keyPath: place] }, { $0[keyPath: place] = $1 },
      standard, unit, defaultText, changesResult, help)
  }

  /// Declares an option that the settings always have a value of.
  package init(
    _ name: String, _ valueName: String, _ reading: Reading<Value>,
    _ place: SettingPlace<Value>, standard: Value? = nil,
    unit: String? = nil, default defaultText: String? = nil, changesResult: Bool, _ help: String
  ) {
    self.init(
      name, valueName, reading, { $0[keyPath: place] }, { $0[keyPath: place] = $1 },
      standard, unit, defaultText, changesResult, help)
  }

  private init(
    _ name: String, _ valueName: String, _ reading: Reading<Value>,
    _ value: @escaping @Sendable (TrainingSettings) -> Value?,
    _ set: @escaping @Sendable (inout TrainingSettings, Value) -> Void, _ standard: Value?,
    _ unit: String?, _ defaultText: String?, _ changesResult: Bool, _ help: String
  ) {
    let text = standard.map { reading.text($0) + (unit.map { " \($0)" } ?? "") }
    option = Option(name, valueName, reading, default: defaultText ?? text, help)
    (self.value, self.set) = (value, set)
    (self.standard, self.changesResult) = (standard, changesResult)
  }

  package var declaration: OptionDeclaration { option.declaration }

  package func value(of word: String) throws(Failure) -> any Sendable { try option.value(of: word) }

  package func take(from arguments: Arguments, into settings: inout TrainingSettings) {
    if let given = arguments[option] { set(&settings, given) }
  }

  package func setStandard(in settings: inout TrainingSettings) {
    if let standard { set(&settings, standard) }
  }

  package func check(_ settings: TrainingSettings, from path: String) throws(Failure) {
    guard let value = value(settings) else { return }
    do throws(Failure) { _ = try option.value(of: option.text(value)) } catch {
      throw Failure(
        .badData, "\(quoted(path)) holds a value that its option does not take: \(error.message)")
    }
  }

  package func difference(from saved: TrainingSettings, _ now: TrainingSettings) -> String? {
    let (saved, now) = (value(saved), value(now))
    guard saved != now else { return nil }
    func text(_ value: Value?) -> String {
      value.map { option.text($0) } ?? "(\(declaration.defaultText ?? "not given"))"
    }
    // Differences that the text does not show are reported too.
    guard text(saved) != text(now) else { return "--\(declaration.name) differs from the run's" }
    return "--\(declaration.name) \(text(now)) differs from the run's \(text(saved))"
  }
}

/// A flag that a run records.
package struct RecordedFlag: RecordedOption {
  private let flag: Flag
  private let place: SettingPlace<Bool?>
  package let changesResult = false

  /// Declares a flag.
  /// - Parameters:
  ///   - name: The name without its two dashes.
  ///   - place: Where it stands in the settings.
  ///   - help: One sentence.
  package init(
    _ name: String, _ place: SettingPlace<Bool?>, _ help: String
  ) {
    flag = Flag(name, help)
    self.place = place
  }

  package var declaration: OptionDeclaration { flag.declaration }

  package func value(of word: String) throws(Failure) -> any Sendable { try flag.value(of: word) }

  package func take(from arguments: Arguments, into settings: inout TrainingSettings) {
    if arguments[flag] { settings[keyPath: place] = true }
  }

  package func setStandard(in settings: inout TrainingSettings) { settings[keyPath: place] = false }

  package func check(_ settings: TrainingSettings, from path: String) throws(Failure) {}

  package func difference(from saved: TrainingSettings, _ now: TrainingSettings) -> String? { nil }
}
