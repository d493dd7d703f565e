import Foundation
import Glibc
import TestSupport
import Testing

/// The programs with standard streams that are closed, are files, or are not read.
@Suite(.serialized) struct StreamTests {
  private let training: FaultRun
  private var scratch: TemporaryFolder { training.scratch }
  private var tool: String { "\(Program.folder)/alexnet" }

  init() throws { training = try FaultRun() }

  /// Runs words in a shell, with redirections; `$0` and so on are the words.
  private func shell(_ script: String, _ words: String...) throws -> Outcome {
    try Program.run(["/bin/bash", "-c", script] + words)
  }

  private func trainSmall() throws {
    let outcome = try Program.train(ranks: nil, training.options(steps: 5))
    #expect(outcome.code == 0, "\(outcome.error)")
  }

  @Test func noOutputGetsIntoAFileWithAClosedStreamsDescriptor() throws {
    let source = try Pictures.small.get().path + "/source"
    let all = try Pictures.small.get().path + "/dataset"
    let expected = try training.contents(all + "/dataset.json")
    for (number, closing) in ["<&- >&-", "2>&-", "<&- >&- 2>&-"].enumerated() {
      let out = "\(scratch.path)/closed\(number)"
      let outcome = try shell(
        "exec \"$0\" prepare --source \"$1\" --out \"$2\" --size 32 \(closing)", tool, source, out)
      #expect(outcome.code == 0, "\(closing): \(outcome.error)")
      // The checksums of all files are in it.
      #expect(try training.contents(out + "/dataset.json") == expected, "\(closing)")
      for name in try FileManager.default.contentsOfDirectory(atPath: out) {
        #expect(
          try training.contents("\(out)/\(name)") == training.contents("\(all)/\(name)"),
          "\(closing): \(name)")
      }
    }
    for (number, closing) in ["<&- >&- 2>&-", "2>&-"].enumerated() {
      let run = "\(scratch.path)/run\(number)"
      let words = try training.options(steps: 5).map { $0 == training.run ? run : $0 }
      let outcome = try Program.run(
        ["/bin/bash", "-c", "exec \"$0\" \"$@\" \(closing)", "\(Program.folder)/alexnet-train"]
          + words)
      #expect(outcome.code == 0, "\(closing): \(outcome.error)")
      #expect(try Program.alexnet("verify", run).code == 0)
    }
  }

  @Test func aResultForAClosedStreamIsAnError() throws {
    try trainSmall()
    let data = try Pictures.small.get().path + "/dataset"
    for words in [
      "verify \"$1\"", "evaluate \"$1\" --data \"$2\"", "evaluate \"$1\" --data \"$2\" --json",
    ] {
      let outcome = try shell("\"$0\" \(words) >&-", tool, training.run, data)
      #expect(outcome.code == 74, "\(words): \(outcome.error)")
      #expect(outcome.error.contains("standard output"), "\(words): \(outcome.error)")
      // What is written to files does not need the stream, nor do complaints.
      let other = try shell("\"$0\" \(words) 2>&- >/dev/null", tool, training.run, data)
      #expect(other.code == 0, "\(words)")
    }
    let features = scratch.path + "/features.npy"
    let outcome = try shell(
      "\"$0\" features \"$1\" --data \"$2\" --out \"$3\" <&- >&- 2>&-", tool, training.run, data,
      features)
    #expect(outcome.code == 74)
    // An array of NumPy begins with these bytes, and has 100 pictures of 10 numbers.
    let array = try training.contents(features)
    #expect(array.prefix(6) == Data([0x93] + Array("NUMPY".utf8)))
    #expect(array.count == 128 + 100 * 10 * 4)
  }

  /// Runs a training whose output nobody reads, and returns whether it ended by itself.
  private func train(into output: Int32, steps: Int) throws -> (code: Int32, log: String)? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(Program.folder)/alexnet-train")
    // Each validation says something.
    process.arguments = try training.options(steps: steps).map { $0 == "1000" ? "1" : $0 }
    process.environment = Process.userEnvironment
    let handle = FileHandle(fileDescriptor: output, closeOnDealloc: false)
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    try process.runWithOpenSignals()
    for _ in 0..<600 where process.isRunning { usleep(100_000) }
    guard !process.isRunning else {
      kill(process.processIdentifier, SIGKILL)
      return nil
    }
    return (
      process.terminationStatus,
      try String(contentsOfFile: training.run + "/log.txt", encoding: .utf8)
    )
  }

  @Test func aFullPipeDoesNotDelayTraining() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    // As full as it gets.
    let flags = fcntl(ends[1], F_GETFL)
    #expect(fcntl(ends[1], F_SETFL, flags | O_NONBLOCK) == 0)
    let block = [UInt8](repeating: UInt8(ascii: "\n"), count: 4096)
    while write(ends[1], block, block.count) > 0 {}
    while write(ends[1], block, 1) > 0 {}
    #expect(fcntl(ends[1], F_SETFL, flags) == 0)
    let outcome = try train(into: ends[1], steps: 6)
    #expect(outcome?.code == 0, "The training waits for its reader.")
    // What counts is in the log.
    #expect(outcome?.log.contains("Validation after step 6") == true, "\(outcome?.log ?? "")")
    #expect(try Program.alexnet("verify", training.run).code == 0)
  }

  @Test func aStoppedTerminalDoesNotDelayTraining() throws {
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    defer { close(terminal) }
    // TIOCGPTN and TIOCSPTLCK: the other side's number, and that it may be opened.
    var (number, isLocked): (Int32, Int32) = (0, 0)
    #expect(ioctl(terminal, 0x8004_5430, &number) == 0)
    #expect(ioctl(terminal, 0x4004_5431, &isLocked) == 0)
    let side = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    defer { close(side) }
    // What Ctrl-S does.
    #expect(side >= 0 && tcflow(side, TCOOFF) == 0)
    let outcome = try train(into: side, steps: 6)
    // What the terminal was sent after it was let go on is let go too.
    tcflow(side, TCOON)
    #expect(outcome?.code == 0, "The training waits for its terminal.")
    #expect(outcome?.log.contains("Validation after step 6") == true, "\(outcome?.log ?? "")")
  }
}
