import Foundation
import JSON
package import MPI
package import Safetensors
package import System

/// One start of a run: by which program, when, where and how.
///
/// It stands in provenance.jsonl, a line a start, in the metadata of the checkpoints that were
/// written after it, and at the head of what log.txt has of it.
package struct Provenance: Codable, Equatable, Sendable {
  /// The program of the first rank.
  package var program: ProgramVersion
  /// When it was started.
  package var started: String
  /// The ranks of each host.
  package var ranksOnHosts: [String: Int]
  /// What all ranks compute with, each once; more than one where hosts have unlike processors.
  package var arithmetics: [String]
  /// The program's name and its words.
  package var commandLine: [String]
  /// Variables of the first rank that libraries and launchers obey, and the job's.
  package var environment: [String: String]

  /// The name of the string in a checkpoint's metadata.
  package static let metadataName = "provenance"

  /// What the names of the variables begin with.
  private static let variables = [
    "OMP_", "OPENBLAS_", "OMPI_MCA_", "MPIR_CVAR_", "UCX_", "SLURM_JOB", "PBS_JOB",
    "ALEXNET_TRAIN_",
  ]

  /// Notes the start of a run; all ranks call this together.
  ///
  /// All have the first rank's record: where each writes its part of a checkpoint depends on the
  /// length of what stands before it.
  /// - Throws: `MPIError` if a message fails.
  package init(_ world: Communicator, commandLine: [String]) throws {
    program = ProgramVersion()
    started = WallTime.now
    ranksOnHosts = try world.allGather(Machine.hostName).reduce(into: [:]) {
      $0[$1, default: 0] += 1
    }
    arithmetics = Set(try world.allGather(program.arithmetic)).sorted()
    self.commandLine = commandLine
    environment = ProcessInfo.processInfo.environment.filter { variable in
      Self.variables.contains { variable.key.hasPrefix($0) }
        && !LaunchOptions.isInternal(variable: variable.key)
    }
    let first = try world.broadcast(world.rank == 0 ? json : "", from: 0)
    self = try JSONText.decode(Provenance.self, first, from: "the first rank's record")
  }

  /// What a checkpoint says; nil where it says nothing, as those of programs before 1.0.0.
  package init?(_ checkpoint: SafetensorsFile) {
    guard let text = checkpoint.header.metadata[Self.metadataName],
      let value = try? JSONText.decode(Provenance.self, text, from: checkpoint.path)
    else { return nil }
    self = value
  }

  /// The starts of a run, the first one first.
  ///
  /// Nil for one whose record is damaged, as a full disk leaves it. Empty for runs of programs
  /// before 1.0.0.
  /// - Throws: `Failure` (inputMissing, badData) if the file is no text that can be read.
  package static func starts(of run: RunDirectory) throws(Failure) -> [Provenance?] {
    guard FileStatus(run.provenance) != nil else { return [] }
    return try TextFile.read(run.provenance).textLines.filter { !$0.isEmpty }.map { line in
      try? JSONText.decode(Provenance.self, String(line), from: run.provenance)
    }
  }

  /// One line of JSON.
  package var json: String { JSONText.encode(self, isPretty: false) }

  /// What log.txt begins with.
  package var sentences: [String] {
    let hosts = ranksOnHosts.sorted { $0.key < $1.key }.map { host, ranks in
      "\(quoted(host)) (\(counted(ranks, "rank", "ranks")))"
    }
    let words = commandLine.map(shellWord)
    let variables = environment.sorted { $0.key < $1.key }.map { "\($0)=\(quoted($1))" }
    return [
      "alexnet-train \(program.release), Swift \(program.swift), \(program.mpi), "
        + "\(program.openBLAS); arithmetic for \(arithmetics.joined(separator: "; ")).",
      "Started \(started) on \(hosts.joined(separator: ", ")): \(words.joined(separator: " "))",
    ] + (variables.isEmpty ? [] : ["Environment: \(variables.joined(separator: " "))"])
  }

  /// What is no longer as it was where a checkpoint was written and may change the result of a run
  /// that goes on: one sentence each.
  package func differences(from saved: Provenance) -> [String] {
    var sentences: [String] = []
    if (program.version, program.commit) != (saved.program.version, saved.program.commit) {
      sentences.append(
        "the checkpoint was written by version \(saved.program.release), and version "
          + "\(program.release) goes on: see Docs/Changelog.md for what changed.")
    }
    if arithmetics != saved.arithmetics || program.openBLAS != saved.program.openBLAS {
      sentences.append(
        "the run was computed by \(saved.program.openBLAS) for "
          + "\(saved.arithmetics.joined(separator: "; ")) and goes on with \(program.openBLAS) for "
          + "\(arithmetics.joined(separator: "; ")): sums are rounded differently from here on.")
    }
    return sentences
  }
}
