import Foundation
import Glibc
import TestSupport
import Testing

/// What the programs say of themselves, and runs of how they were made.
@Suite(.serialized) struct ProvenanceTests {
  private let training: FaultRun
  private var run: String { training.run }

  private static let root = Program.repository

  init() throws { training = try FaultRun() }

  /// What another program prints.
  private func said(by words: String...) throws -> String {
    try Program.run(["/usr/bin/env"] + words).output
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The number of the newest version in the changelog.
  private func newestInChangelog() throws -> String {
    let text = try String(contentsOfFile: Self.root + "/Docs/Changelog.md", encoding: .utf8)
    let heading = try #require(text.split(separator: "\n").first { $0.hasPrefix("## ") })
    return String(heading.dropFirst(3))
  }

  private func lines(_ name: String) throws -> [String] {
    try String(contentsOfFile: "\(run)/\(name)", encoding: .utf8).split(separator: "\n")
      .map(String.init)
  }

  @Test(arguments: ["alexnet-train", "alexnet"]) func theVersionNamesProgramAndLibraries(
    name: String
  ) throws {
    let program = "\(Program.folder)/\(name)"
    let outcome = try Program.run([program, "--version"])
    #expect(outcome.code == 0 && outcome.error.isEmpty, "\(outcome.error)")
    // As other programs name the same things.
    let mpi = try said(by: "mpirun", "--version").split(separator: "\n")[0].split(separator: " ")
    let checksum = try said(by: "sha256sum", program).split(separator: " ")[0]
    for text in [
      "\(name) \(try newestInChangelog())\n", "Open MPI v\(mpi[mpi.count - 1])\n",
      "OpenBLAS \(try said(by: "pkg-config", "--modversion", "openblas"))\n",
      "SHA-256 \(checksum)\n", "instruction set",
    ] {
      #expect(outcome.output.contains(text), "'\(text)' in \(outcome.output)")
    }
    let ranks = try Program.run([
      "mpirun", "--oversubscribe", "-np", "2", program, "--version",
    ])
    #expect(ranks.code == 0 && ranks.output == outcome.output, "one rank speaks: \(ranks.output)")
  }

  /// As `docker --user 12345` runs programs: the user has no name and no folder.
  @Test(.enabled(if: geteuid() == 0, "Only root may become somebody else."))
  func aUserWithoutANameGetsHelpAndAReason() throws {
    let folder = training.scratch.path + "/bin"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["alexnet-train", "alexnet"] {
      try FileManager.default.copyItem(
        atPath: "\(Program.folder)/\(name)", toPath: "\(folder)/\(name)")
    }
    func run(_ words: [String], _ home: String...) throws -> Outcome {
      try Program.run(
        ["/usr/bin/env", "-u", "HOME"] + home + [
          "setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups",
          "\(folder)/\(words[0])",
        ] + words.dropFirst())
    }
    for words in [
      ["alexnet-train", "--help"], ["alexnet-train", "--version"], ["alexnet", "--help"],
      ["alexnet", "--version"], ["alexnet", "bench", "--help"], ["alexnet", "doctor", "--help"],
      ["alexnet", "evaluate", "--help"], ["alexnet-train", "--describe", "man"],
    ] {
      let outcome = try run(words)
      #expect(outcome.code == 0 && outcome.error.isEmpty, "\(words): \(outcome.error)")
      #expect(outcome.output.contains("alexnet"), "\(words): \(outcome.output)")
    }
    for words in [["alexnet-train", "--dry-run", "--classes", "10"], ["alexnet", "launch"]] {
      let refused = try run(words)
      #expect(refused.code == 64, "\(refused.error)")
      #expect(
        refused.error.contains("User 12345 has no entry in /etc/passwd and HOME is not set"),
        "\(refused.error)")
      #expect(refused.error.split(separator: "\n").count == 1, "\(refused.error)")
    }
    let trained = try run(["alexnet-train", "--dry-run", "--classes", "10"], "HOME=/tmp")
    #expect(trained.code == 0, "\(trained.error)")
  }

  @Test func aRunKeepsHowItWasStartedEachTime() throws {
    let environment = [
      "OMP_WAIT_POLICY": "pass ive", "SECRET_TOKEN": "hidden", "PBS_JOBID": "17",
    ]
    let first = try Program.train(
      ranks: 2, training.options(steps: 5), environment: environment)
    #expect(first.code == 0, "\(first.error)")
    let second = try Program.train(
      ranks: 1, training.options(steps: 8, "--resume"), environment: environment)
    #expect(second.code == 0, "\(second.error)")
    #expect(!second.output.contains("Warning: the checkpoint was written"), "\(second.output)")

    let records = try lines("provenance.jsonl").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    #expect(records.count == 2)
    let host = try said(by: "hostname")
    #expect(records.map { $0["ranksOnHosts"] as? [String: Int] } == [[host: 2], [host: 1]])
    for (record, steps) in zip(records, [5, 8]) {
      let words = try training.options(steps: steps) + (steps == 8 ? ["--resume"] : [])
      #expect(record["commandLine"] as? [String] == ["alexnet-train"] + words)
      let environment = record["environment"] as? [String: String] ?? [:]
      #expect(environment["OMP_WAIT_POLICY"] == "pass ive" && environment["PBS_JOBID"] == "17")
      // Neither what is somebody's secret, nor mpirun's addresses and keys.
      #expect(environment["SECRET_TOKEN"] == nil)
      #expect(!environment.keys.contains { $0.contains("orte") }, "\(environment)")
      let program = record["program"] as? [String: String] ?? [:]
      #expect(program["version"] == (try newestInChangelog()), "\(program)")
    }
    // Each checkpoint has the record of the start that wrote it.
    for (step, record) in zip([5, 8], records) {
      let path = "\(run)/checkpoints/step-0000000\(step).safetensors"
      let own = try ComparedCheckpoint.provenance(path)
      #expect(own as NSDictionary == record as NSDictionary, "\(own)")
    }

    // Everything that was on the screen, in its order, each line after a time.
    let log = try lines("log.txt")
    let time = #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} /#
    #expect(log.allSatisfy { $0.prefixMatch(of: time) != nil }, "\(log)")
    let texts = log.map { $0.replacing(time, with: "", maxReplacements: 1) }
    #expect(texts[0].hasPrefix("alexnet-train \(try newestInChangelog()) "), "\(texts)")
    #expect(texts[1].contains("on '\(host)' (2 ranks): alexnet-train --data "), "\(texts)")
    #expect(texts[2].contains("OMP_WAIT_POLICY='pass ive'"), "\(texts)")
    var rest = texts[...]
    for line in first.output.split(separator: "\n") where !line.hasPrefix("Done after") {
      #expect(rest.contains(String(line)), "'\(line)' is not in the log")
      rest = rest.drop { $0 != line }
    }

    let shown = try Program.alexnet("info", run)
    #expect(shown.code == 0, "\(shown.error)")
    for text in [
      "after step 8", "start 1\n", "start 2\n", "'\(host)' (2 ranks)", "'\(host)' (1 rank)",
      "'cifar-four-layer'", "--max-steps 5", "OMP_WAIT_POLICY='pass ive'",
    ] {
      #expect(shown.output.contains(text), "'\(text)' in \(shown.output)")
    }
  }

  /// A full disk leaves half a line, and whoever else writes there a line that is no record.
  @Test func aDamagedRecordHidesNoOtherStart() throws {
    #expect(try Program.train(ranks: nil, training.options(steps: 5)).code == 0)
    let path = "\(run)/provenance.jsonl"
    let first = try String(contentsOfFile: path, encoding: .utf8)
    try (first + "{}\n" + first.prefix(40)).write(toFile: path, atomically: true, encoding: .utf8)
    let damaged = try Program.alexnet("info", run)
    #expect(damaged.code == 0, "\(damaged.error)")
    #expect(
      damaged.output.contains("--max-steps 5")
        && damaged.output.split(separator: "provenance.jsonl' is damaged").count == 3,
      "\(damaged.output)")
    let again = try Program.train(ranks: nil, training.options(steps: 6, "--resume"))
    #expect(again.code == 0, "\(again.error)")
    let whole = try Program.alexnet("info", run)
    #expect(
      whole.output.contains("start 3\n") && whole.output.contains("--max-steps 6")
        && whole.output.split(separator: "provenance.jsonl' is damaged").count == 2,
      "\(whole.output)")
  }

  /// Where a rank writes its part of a checkpoint depends on the length of the record.
  @Test func ranksInUnlikeEnvironmentsWriteOneIntactCheckpoint() throws {
    let program = "\(Program.folder)/alexnet-train"
    let words = try training.options(steps: 5)
    let ranks = ["-np", "1", "env", "OMP_PLACES=cores", program] + words + [":"]
    let outcome = try Program.run(
      ["mpirun", "--oversubscribe"] + ranks
        + ["-np", "1", "env", "OMP_PLACES=\(String(repeating: "x", count: 999))", program] + words)
    #expect(outcome.code == 0, "\(outcome.error)")
    let verified = try Program.alexnet("verify", run)
    #expect(verified.code == 0, "\(verified.error)")
    let shown = try Program.alexnet("info", run)
    #expect(shown.output.contains("OMP_PLACES='cores'"), "\(shown.output)")
  }

  @Test func aRunThatGoesOnUnderAnotherVersionSaysSo() throws {
    #expect(try Program.train(ranks: 2, training.options(steps: 5)).code == 0)
    let newest = "\(run)/checkpoints/step-00000005.safetensors"
    let version = try newestInChangelog()
    for (key, old, new) in [
      ("provenance", "\"version\":\"\(version)\"", "\"version\":\"0.0.7\""),
      ("provenance", "\"openBLAS\":\"OpenBLAS ", "\"openBLAS\":\"OpenBLAS 0.1, not "),
    ] {
      let forged = try Program.run([
        "python3", Self.root + "/scripts/testbed/forge-text", newest, newest, key,
        old, new,
      ])
      #expect(forged.code == 0, "\(forged.error)")
    }
    let outcome = try Program.train(ranks: 2, training.options(steps: 6, "--resume"))
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(
      outcome.output.contains("Warning: the checkpoint was written by version 0.0.7 "),
      "\(outcome.output)")
    #expect(
      outcome.output.contains("Warning: the run was computed by OpenBLAS 0.1, not "),
      "\(outcome.output)")
    let log = try lines("log.txt").joined(separator: "\n")
    #expect(log.contains("written by version 0.0.7"), "\(log)")
  }

  @Test func infoShowsCheckpointsWeightsAndDatasetsAndRefusesTheRest() throws {
    #expect(try Program.train(ranks: nil, training.options(steps: 5)).code == 0)
    let checkpoint = "\(run)/checkpoints/latest.safetensors"
    let weights = training.scratch.path + "/weights.safetensors"
    #expect(
      try Program.alexnet("export", run, "--format", "safetensors", "--out", weights).code == 0)
    let data = try Pictures.small.get().path + "/dataset"
    let shown = try Program.alexnet("info", checkpoint, weights, data)
    #expect(shown.code == 0, "\(shown.error)")
    let checksum = try said(by: "sha256sum", data + "/dataset.json").split(separator: " ")[0]
    for text in [
      "'\(checkpoint)'\n  state       after step 5", "written in a start", "--max-steps 5",
      "'\(weights)'\n  weights     of the network 'cifar-four-layer'",
      "by a program that did not note how", "'\(data)'\n  dataset     ", "checksum    \(checksum)",
    ] {
      #expect(shown.output.contains(text), "'\(text)' in \(shown.output)")
    }
    for (path, code) in [(training.scratch.path + "/none", 66), (training.scratch.path, 66)] {
      let refused = try Program.alexnet("info", path)
      #expect(Int(refused.code) == code && refused.error.contains(path), "\(refused.error)")
    }
    #expect(try Program.alexnet("info").code == 64)
  }
}
