import Failures
import Foundation
import MPI
import Training

/// What all ranks must have in common before they train together.
struct Agreement {
  let world: Communicator

  /// Ranks that were started with different words might wait for each other in different places.
  func agree(onWords words: some Sequence<String>) throws {
    let own = words.map(quoted).joined(separator: " ")
    let first = try world.broadcast(own, from: 0)
    guard own != first else { return }
    throw Failure(
      .ranksDisagree,
      "Rank \(world.rank) was started with \(own.isEmpty ? "no options" : own) and rank 0 with "
        + "\(first.isEmpty ? "none" : first); start all ranks with the same options.")
  }

  /// Ranks that see different datasets must not train together.
  func agree(on settings: TrainingSettings) throws {
    let first = try world.broadcast(settings.json, from: 0)
    guard first != settings.json else { return }
    let (lines, others) = (settings.json.split(separator: "\n"), first.split(separator: "\n"))
    let differing = zip(lines, others).first { $0 != $1 }
    throw Failure(
      .ranksDisagree,
      "Rank \(world.rank) has other settings than rank 0 ("
        + (differing.map { "\($0.trimmed) here,\($1.trimmed) there" } ?? "more of them")
        + "); start all ranks with the same options and data.")
  }
}

extension Substring {
  fileprivate var trimmed: String { " " + trimmingCharacters(in: CharacterSet(charactersIn: " ,")) }
}
