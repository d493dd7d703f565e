import Foundation
import Layers
import MPI
import System
import Training

/// Checks what all ranks must have in common before they train together.
struct Agreement {
  let world: Communicator

  /// Ranks started with different arguments, or with variables that stand for others, might wait
  /// for each other in different places.
  func agree(onWords words: some Sequence<String>, _ variables: [String]) throws {
    let environment = variables.joined(separator: " ")
    let firstEnvironment = try world.broadcast(environment, from: 0)
    guard environment == firstEnvironment else {
      func text(_ variables: String) -> String {
        variables.isEmpty ? "no variables of alexnet-train" : variables
      }
      throw Failure(
        .ranksDisagree,
        "Rank \(world.rank) has \(text(environment)) in its environment and rank 0 has "
          + "\(text(firstEnvironment)); give all ranks the same, on several hosts by "
          + "'mpirun -x NAME'.")
    }
    let own = words.map(quoted).joined(separator: " ")
    let first = try world.broadcast(own, from: 0)
    guard own != first else { return }
    throw Failure(
      .ranksDisagree,
      "Rank \(world.rank) was started with \(own.isEmpty ? "no options" : own) and rank 0 with "
        + "\(first.isEmpty ? "none" : first); start all ranks with the same options.")
  }

  /// Ranks with different builds or machines might compute differently, or misread each other's
  /// messages.
  func agreeOnMachines() throws {
    let own = [
      "the program's SHA-256": try Self.programChecksum,
      "the bytes of the number 1": withUnsafeBytes(of: Float(1).bitPattern) { "\(Array($0))" },
      "the bytes of an integer": "\(MemoryLayout<Int>.size)",
    ].sorted { $0.key < $1.key }
    for (name, value) in own {
      let first = try world.broadcast(value, from: 0)
      // A rank without a difference must not continue and wait for one with a difference.
      let differs = try world.allReduce(Int64(value == first ? 0 : 1), .max) != 0
      guard differs else { continue }
      let values = try world.allGather(value),
        hosts = try world.allGather(Machine.hostName)
      let other = values.indices.first { values[$0] != values[0] } ?? 0
      throw Failure(
        .ranksDisagree,
        "On rank \(other) (\(hosts[other])) \(name) is \(values[other]) and on rank 0 "
          + "(\(hosts[0])) \(values[0]); start the same build on machines of the same kind.")
    }
  }

  private static var programChecksum: String {
    get throws(Failure) {
      guard let checksum = Machine.programChecksum else {
        throw Failure(.internal, "The program cannot read itself in /proc/self/exe.")
      }
      return checksum
    }
  }

  /// Numbers of 16 bits need a processor that multiplies them, on every rank.
  func agree(onPrecision precision: Precision) throws {
    guard precision == .bf16 else { return }
    let hosts = try world.allGather(precision.canBeTrained ? "" : Machine.hostName)
    guard let rank = hosts.firstIndex(where: { !$0.isEmpty }) else { return }
    throw Failure(
      .usage,
      "--precision bf16 needs processors that multiply bfloat16 numbers (AVX512_BF16): the "
        + "processor of rank \(rank) (\(hosts[rank])) cannot, or --instruction-set forbids it; give "
        + "--precision fp32, and for a run that has already begun --allow-changed precision too.")
  }

  /// Ranks that see different datasets must not train together.
  func agree(on settings: TrainingSettings) throws {
    let first = try world.broadcast(settings.json, from: 0)
    guard first != settings.json else { return }
    let (lines, others) = (settings.json.split(separator: "\n"), first.split(separator: "\n"))
    let differing = zip(lines, others).first { $0 != $1 }
    throw Failure(
      .ranksDisagree,
      "Rank \(world.rank) has different settings from rank 0 ("
        + (differing.map { "\($0.trimmed) here,\($1.trimmed) there" } ?? "more of them")
        + "); start all ranks with the same options and data.")
  }
}

extension Substring {
  fileprivate var trimmed: String { " " + trimmingCharacters(in: CharacterSet(charactersIn: " ,")) }
}
