import Foundation
import Launching
import MPI
import System

/// What starts an experiment's trainings on their ranks.
enum RunLauncher {
  /// One process computes all towers.
  case none
  /// The user's words; a number of ranks in them is replaced where a run has its own.
  case given([String])
  /// The line of `alexnet launch`, which fits the machine or the batch job.
  case own

  /// Understands the value of `--launch`; nil where it was not given.
  init(_ words: String?) {
    self =
      switch words {
      case nil: .own
      case "none": .none
      case let words?: .given(words.split(separator: " ").map(String.init))
      }
  }

  /// The place of the number of ranks among words.
  private static func placeOfRanks(_ words: [String]) -> Int? {
    words.firstIndex { $0 == "-np" || $0 == "-n" }.map { $0 + 1 }
      .flatMap { words.indices.contains($0) ? $0 : nil }
  }

  /// The ranks that the user asked for, if they can be told.
  private var ranks: Int? {
    guard case .given(let words) = self else { return nil }
    return Self.placeOfRanks(words).flatMap { Int(words[$0]) }
  }

  /// Whether it can be told how many ranks to start.
  var takesRanks: Bool {
    switch self {
    case .none: false
    case .given(let words): Self.placeOfRanks(words) != nil
    case .own: true
    }
  }

  /// The tasks that a batch job needs for runs, some of which have their own number of ranks.
  func tasks(_ runs: [Int?]) -> Int {
    if case .none = self { return 1 }
    return runs.compactMap { $0 }.reduce(ranks ?? 2) { max($0, $1) }
  }

  /// A command line.
  /// - Parameters:
  ///   - program: The program.
  ///   - ranks: Its ranks where the run has its own number; one needs no launcher.
  /// - Returns: The launcher's words and the program.
  func words(_ program: String, ranks: Int?) -> [String] {
    guard ranks != 1 else { return [program] }
    switch self {
    case .none: return [program]
    case .given(var words):
      if let ranks, let place = Self.placeOfRanks(words) { words[place] = "\(ranks)" }
      return words + [program]
    case .own:
      let ranks = ranks ?? 2
      guard LaunchOptions.canLaunch else { return ["mpiexec", "-n", "\(ranks)", program] }
      let environment = { (name: String) in ProcessInfo.processInfo.environment[name] }
      let job = BatchJob(environment) { path in (try? HostList.nodes(of: path)) ?? [] }
      LaunchLine.allowRoot()
      return LaunchLine(
        job.map { .job($0, ranks: ranks) } ?? .here(ranks: ranks), cores: nil, interface: nil
      ).words([program], environment)
    }
  }
}
