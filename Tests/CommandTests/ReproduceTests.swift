import Foundation
import TestSupport
import Testing

/// `alexnet reproduce` with a small network on a few pictures.
@Suite(.serialized) struct ReproduceTests {
  private let scratch = TemporaryFolder()
  private var out: String { scratch.path + "/out" }

  private func command(_ experiment: String = "fashion-mnist") throws -> [String] {
    [
      "reproduce", experiment, "--data", try Pictures.tiny.get().path + "/dataset", "--out", out,
      "--seeds", "2", "--epochs", "2", "--network", "cifar-four-layer", "--batch-size", "20",
      "--launch", "none", "--with", "--threads 1",
    ]
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(out)/\(name)", encoding: .utf8)
  }

  @Test func runsAreMadeOnceAndGoOnAndTheTableIsTheirRecords() throws {
    let outcome = try Program.alexnet(ranks: nil, try command())
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("[2 of 2] alexnet, seed 2"), "\(outcome.output)")
    let (page, json, figure) = (
      try text("fashion-mnist.md"), try text("fashion-mnist.json"), try text("fashion-mnist.svg")
    )
    #expect(page.contains("Verdict on the accuracy being above 88.4 %") && figure.contains("<svg"))
    // The accuracy of the table is that of the run's last validation.
    let metrics = try text("runs/alexnet-seed-2/metrics.jsonl")
    let last = try #require(metrics.split(separator: "\n").last { $0.contains("\"validation\"") })
    let record = try #require(
      try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any])
    let error = try #require(record["top1Error"] as? Double)
    #expect(
      page.contains("| seed 2 |") && page.contains(String(format: " %.2f |", 100 - error)),
      "\(error) in:\n\(page)")

    // A run that is whole is not made again; one whose record is not there goes on.
    try FileManager.default.removeItem(atPath: "\(out)/runs/alexnet-seed-2.json")
    let again = try Program.alexnet(ranks: nil, try command())
    #expect(again.code == 0 && !again.output.contains("seed 1\n"), "\(again.output)")
    let said = try [1, 2].map { try text("runs/alexnet-seed-\($0).out") }
    #expect(said.map { $0.contains("nothing is left to train") } == [false, true], "\(said)")
    #expect(try text("fashion-mnist.json") == json)

    // Drawn again without runs.
    try FileManager.default.moveItem(atPath: out, toPath: scratch.path + "/first")
    let whole = scratch.path + "/first/fashion-mnist.json"
    let misnamed = try Program.alexnet("reproduce", "figure-1", "--from-json", whole, "--out", out)
    #expect(misnamed.code == 64, "\(misnamed.error)")
    // The file knows its experiment.
    let drawn = try Program.alexnet("reproduce", "--from-json", whole, "--out", out)
    #expect(drawn.code == 0, "\(drawn.error)")
    #expect(
      try text("fashion-mnist.md") == page && text("fashion-mnist.svg") == figure
        && text("fashion-mnist.json") == json)

    // Other settings in the same folder, and a wrong number of datasets, are refused.
    try FileManager.default.removeItem(atPath: out)
    try FileManager.default.moveItem(atPath: scratch.path + "/first", toPath: out)
    let other = try Program.alexnet(ranks: nil, try command().map { $0 == "20" ? "10" : $0 })
    #expect(
      other.code == 64 && other.error.contains("of a run with --batch-size 20 --warm-up 0 and"),
      "\(other.error)")
    #expect(other.error.contains("and without --batch-size 10 --warm-up 1, in this folder"))
    let data = try Program.alexnet(ranks: nil, try command() + ["--data", "/elsewhere"])
    #expect(data.code == 64 && data.error.contains("takes --data once"), "\(data.error)")
    let small = try Pictures.small.get().path + "/dataset"
    let elsewhere = try command().map { $0.hasSuffix("/dataset") ? small : $0 }
    let wrong = try Program.alexnet(ranks: nil, elsewhere)
    #expect(wrong.code == 64 && wrong.error.contains("on another dataset than"), "\(wrong.error)")
    let undone = try Program.alexnet(ranks: nil, try command().dropLast() + ["--batch-size 7"])
    #expect(undone.code == 64 && undone.error.contains("Give --batch-size to"), "\(undone.error)")
  }

  @Test func greyPicturesTellNothingOfColour() throws {
    let outcome = try Program.alexnet(ranks: nil, try command("towers"))
    #expect(outcome.code == 64 && outcome.error.contains("are grey"), "\(outcome.error)")
  }

  @Test func aRunThatFailsIsNamedAndTheOthersAreKept() throws {
    // A file where the second run's folder would be.
    try FileManager.default.createDirectory(
      atPath: out + "/runs", withIntermediateDirectories: true)
    try "".write(toFile: out + "/runs/alexnet-seed-2", atomically: true, encoding: .utf8)
    let outcome = try Program.alexnet(ranks: nil, try command())
    #expect(outcome.code == 73, "\(outcome.code)")
    #expect(outcome.error.contains("1 run did not end well: 'alexnet-seed-2'"), "\(outcome.error)")
    #expect(outcome.error.contains("is a link or a file, not a folder"), "\(outcome.error)")
    #expect(try text("runs/alexnet-seed-1.json").contains("accuracy"))
    #expect(try text("fashion-mnist.md").contains("Not there, since they failed: 'alexnet-seed-2'"))
  }

  @Test func whatIsWrongWithTheFirstRunEndsTheCommandAndBindsNobody() throws {
    // The full network reads larger pictures.
    let wrong = try command().map { $0 == "cifar-four-layer" ? "alexnet" : $0 }
    let outcome = try Program.alexnet(ranks: nil, wrong)
    #expect(outcome.code == 64 && !outcome.output.contains("seed 2"), "\(outcome.output)")
    #expect(outcome.error.contains("prepare them with --size 256"), "\(outcome.error)")
    #expect(!FileManager.default.fileExists(atPath: out + "/runs/alexnet-seed-1.json"))
    let right = try Program.alexnet(ranks: nil, try command())
    #expect(right.code == 0, "\(right.error)")
  }

  @Test func whatReadsANetworkIsMadeAgainWithIt() throws {
    let first = try Program.alexnet(ranks: nil, try command("ensemble"))
    #expect(first.code == 0, "\(first.error)")
    let names = [1, 2].map { "runs/1-averaged-seed-\($0).json" }
    let before = try names.map(text)
    for file in ["single-seed-1", "single-seed-1.json"] {
      try FileManager.default.removeItem(atPath: "\(out)/runs/\(file)")
    }
    let second = try Program.alexnet(ranks: nil, try command("ensemble"))
    #expect(second.code == 0, "\(second.error)")
    // The records name the makings of what they read.
    #expect(zip(before, try names.map(text)).map { $0 == $1 } == [false, true])
    #expect(second.output.contains("] 2 averaged, seed 1"), "\(second.output)")
  }

  @Test func whatWouldChangeEveryRunUnseenIsRefused() throws {
    let hidden = try Program.run(
      ["/usr/bin/env", "ALEXNET_TRAIN_WEIGHT_DECAY=0", "\(Program.folder)/alexnet"]
        + (try command()))
    #expect(hidden.code == 64, "\(hidden.error)")
    #expect(hidden.error.contains("The environment sets ALEXNET_TRAIN_WEIGHT_DECAY"))
    // Somebody else is at work in the folder.
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    let locked = try Program.run(
      ["/usr/bin/flock", out, "\(Program.folder)/alexnet"] + (try command()))
    #expect(locked.code == 73 && locked.error.contains("Another 'alexnet reproduce' is at work"))
    let twice = try Program.alexnet(
      ranks: nil, try command("recipe") + ["--data", Pictures.tiny.get().path + "/dataset"])
    #expect(twice.code == 64 && twice.error.contains("are the same"), "\(twice.error)")
    let drawn = try Program.alexnet("reproduce", "--from-json", "x", "--out", out, "--seeds", "3")
    #expect(drawn.code == 64 && drawn.error.contains("so --seeds means nothing"))
  }

  @Test func aSignalSavesTheRunAndTheSameCommandGoesOn() throws {
    // Long enough to be stopped: thousands of epochs.
    var long = try command()
    long[try #require(long.firstIndex(of: "--epochs")) + 1] = "9000"
    let script = """
      pattern=$1
      shift
      "$@" &
      until grep -q "$pattern" "$0" 2>/dev/null; do
        kill -0 $! 2>/dev/null || exit 1
        sleep 0.1
      done
      kill -TERM $!
      wait $!
      """
    let run = "\(out)/runs/alexnet-seed-1"
    for (file, pattern) in [(run + "/metrics.jsonl", "step"), (run + ".out", "Continuing after")] {
      let stopped = try Program.run(
        ["/bin/bash", "-c", script, file, pattern, "\(Program.folder)/alexnet"] + long)
      #expect(stopped.code == 75, "\(stopped.code)")
      #expect(stopped.error.contains("Stopped in 'alexnet-seed-1'"), "\(stopped.error)")
    }
    // With fewer epochs it would be whole, and be taken for a run of so many.
    let other = try Program.alexnet(ranks: nil, try command())
    #expect(other.code == 64 && other.error.contains("with --epochs 9000"), "\(other.error)")
  }

  @Test func aDryRunSaysTheHoursAndTrainsNothing() throws {
    let outcome = try Program.alexnet(ranks: nil, try command() + ["--dry-run"])
    #expect(outcome.code == 0, "\(outcome.error)")
    // 2 epochs of 60 pictures in batches of 20.
    let row = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("alexnet ") })
    #expect(row.split(separator: " ").dropFirst().prefix(2) == ["2", "6"], "\(row)")
    #expect(outcome.output.contains("of steps in all; 0 runs are done"), "\(outcome.output)")
    #expect(!FileManager.default.fileExists(atPath: out))
  }

  /// 60 pictures are less than a batch of 100: two epochs are two steps.
  @Test(arguments: [("20", "100"), ("--threads 1", "--threads 1 --max-steps 2")])
  func runsOfFewStepsAreTimedByLongerOnes(_ old: String, _ new: String) throws {
    let words = try command().map { $0 == old ? new : $0 } + ["--dry-run"]
    let outcome = try Program.alexnet(ranks: nil, words)
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(!outcome.output.contains("nan") && !outcome.output.contains("not a number"))
    let row = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("alexnet ") })
    #expect(Double(row.split(separator: " ")[3]) ?? 0 > 0, "\(row)")
  }

  @Test func ranksThatAreTheQuestionNeedALauncherWithANumber() throws {
    for launch in ["none", "mpirun"] {
      let words = try command("parallel").map { $0 == "none" ? launch : $0 }
      let outcome = try Program.alexnet(ranks: nil, words + ["--dry-run"])
      #expect(
        outcome.code == 64 && outcome.error.contains("'2 ranks' is about the number of ranks"))
    }
  }

  @Test func eachSettingsOwnNumberOfRanksTakesTheLaunchersPlace() throws {
    // Notes what it is asked for, and starts one process.
    let script = "#!/bin/bash\necho \"$1 $2\" >>\"$0.words\"\nshift 2\nexec \"$@\"\n"
    let path = try scratch.script("start", script)
    var words = try command("parallel").map { $0 == "none" ? path + " -n 7" : $0 }
    words[try #require(words.firstIndex(of: "--seeds")) + 1] = "1"
    words[try #require(words.firstIndex(of: "--epochs")) + 1] = "1"
    _ = try Program.alexnet(ranks: nil, words)
    let asked = try String(contentsOfFile: path + ".words", encoding: .utf8)
      .split(separator: "\n").map(String.init)
    // Two ranks; four in two ways; eight in groups; two with 16-bit messages in two. One rank needs no launcher.
    #expect(asked == ["-n 2", "-n 4", "-n 4", "-n 8", "-n 2", "-n 2"])
    #expect(try text("runs/1-rank-seed-1.json").contains("\"error\""))
  }

  @Test func slurmGetsAnArrayAndWhatFollows() throws {
    // An sbatch that notes its words, and runs an array's jobs at once.
    let script = """
      #!/bin/bash
      echo "$*" >>"$(dirname "$0")/words"
      for word; do
        case $word in --array=1-*) count=${word#--array=1-};; esac
        last=$word
      done
      for ((task = 1; task <= ${count:-0}; task++)); do
        SLURM_ARRAY_TASK_ID=$task bash "$last" >&2 || exit
      done
      echo "4${count:-7};cluster"
      """
    try scratch.script("sbatch", script)
    let outcome = try Program.run(
      [
        "/bin/bash", "-c", "PATH=$0:$PATH exec \"$@\"", scratch.path, "\(Program.folder)/alexnet",
      ] + (try command()) + ["--slurm", "-c 2 --time=1:00:00"])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(
      outcome.output.contains("Submitted 2 runs as the array 42, and what follows as job 47"),
      "\(outcome.output)")
    let lines = try String(contentsOfFile: scratch.path + "/words", encoding: .utf8)
      .split(separator: "\n")
    #expect(lines[0] == "--parsable -c 2 --time=1:00:00 --array=1-2 \(out)/fashion-mnist.slurm")
    #expect(lines[1].contains("--dependency=afterok:42") && lines[1].contains(" --slurm '-c 2"))
    // The array's jobs have made the runs: the table is all that is left.
    let table = try Program.alexnet(ranks: nil, try command())
    #expect(table.code == 0 && !table.output.contains("seed 1\n"), "\(table.output)")
  }
}
