import Foundation
import TestSupport
import Testing

/// `alexnet report` with --serve and --watch, beside a run whose files change.
@Suite(.serialized) struct LivingReportTests {
  private let scratch: TemporaryFolder
  private let run: String
  private let nothing = "No step has been recorded yet"

  init() throws {
    scratch = TemporaryFolder()
    run = scratch.path + "/run"
    let outcome = try Program.train(
      ranks: nil,
      [
        "--data", try Pictures.tiny.get().path + "/dataset", "--network", "cifar-four-layer",
        "--batch-size", "20", "--max-steps", "2", "--out", run,
      ])
    #expect(outcome.code == 0, "\(outcome.error)")
  }

  /// Starts `alexnet report`, and waits for its first line.
  private func start(_ arguments: String...) throws -> (process: Process, line: String) {
    let process = Process()
    // Where the tests run in the background of a shell, SIGINT is ignored, and that is inherited.
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["--default-signal=INT", "\(Program.folder)/alexnet", "report", run, "--images", "0"]
      + arguments
    process.environment = Process.userEnvironment
    let output = Pipe()
    process.standardOutput = output
    try process.runWithOpenSignals()
    return (process, String(decoding: output.fileHandleForReading.availableData, as: UTF8.self))
  }

  /// What a server on this machine answers.
  private func answer(_ port: Substring) throws -> String {
    let question = "GET / HTTP/1.0\\r\\n\\r\\n"
    return try Program.run(
      [
        "/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(port); printf '\(question)' >&3; cat <&3",
      ]
    ).output
  }

  /// Waits until something is so, for half a minute at most.
  private func eventually(_ holds: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<150 {
      if try holds() { return true }
      usleep(200_000)
    }
    return false
  }

  @Test(.timeLimit(.minutes(2))) func aPageIsRenewedWhileItsRunGoesOn() throws {
    let metrics = run + "/metrics.jsonl"
    let records = try String(contentsOfFile: metrics, encoding: .utf8)
    try "".write(toFile: metrics, atomically: false, encoding: .utf8)
    let (server, line) = try start("--serve", "0", "--watch")
    defer { if server.isRunning { server.terminate() } }
    let port = try #require(line.firstMatch(of: /http:\/\/127\.0\.0\.1:([0-9]+)\//)?.1, "\(line)")
    let first = try answer(port)
    #expect(first.hasPrefix("HTTP/1.1 200") && first.contains(nothing), "\(first)")
    #expect(first.contains("<script>") && !first.contains("<script src"))

    // Half a record, then all of them.
    try (records + "{\"kind\":\"st").write(toFile: metrics, atomically: false, encoding: .utf8)
    #expect(try eventually { try answer(port).contains("Speed and health") })
    let file = run + "/report.html"
    let page = { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
    #expect(eventually { page().contains("Speed and health") && page().hasSuffix("</html>\n") })

    // What cannot be read leaves the page as it was.
    try "nonsense\n".write(toFile: metrics, atomically: false, encoding: .utf8)
    usleep(1_000_000)
    #expect(try answer(port).contains("Speed and health"))

    let second = try Program.alexnet("report", run, "--images", "0", "--serve", String(port))
    #expect(second.code == 65, "\(second.error)")
    try records.write(toFile: metrics, atomically: false, encoding: .utf8)
    let taken = try Program.alexnet("report", run, "--images", "0", "--serve", String(port))
    #expect(taken.code == 73 && taken.error.contains("already in use"), "\(taken.error)")
    #expect(taken.error.split(separator: "\n").count == 1)

    server.terminate()
    server.waitUntilExit()
    #expect(server.terminationStatus == 0 && server.terminationReason == .exit)
    let left = try FileManager.default.contentsOfDirectory(atPath: run)
    #expect(!left.contains { $0.contains("partial") }, "\(left)")
  }

  @Test func itEndsAtCtrlCAndRefusesWhatItCannotDo() throws {
    let (watch, line) = try start("--watch", "--out", scratch.path + "/page.html")
    #expect(line.contains("is written again and again"), "\(line)")
    watch.interrupt()
    watch.waitUntilExit()
    #expect(watch.terminationStatus == 0 && watch.terminationReason == .exit)
    for (words, code, sentence) in [
      (["report", scratch.path, "--serve", "0"], 66, "is not a run"),
      (["report", run, "--serve", "x"], 64, "--serve takes a port"),
      (["report", run, "--images", "0", "--serve", "no.such.invalid:0"], 66, "has no address"),
      (["report", run, "--serve", "0", "--out", "x"], 64, "add --watch"),
      (["report", run, "--serve", "0", "--kernels", "x"], 64, "without --serve"),
    ] as [([String], Int32, String)] {
      let outcome = try Program.alexnet(ranks: nil, words)
      #expect(outcome.code == code && outcome.error.contains(sentence), "\(outcome.error)")
    }
  }
}
