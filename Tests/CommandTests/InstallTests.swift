import Foundation
import Glibc
import TestSupport
import Testing

/// What scripts/install lays out, with the programs of this build.
@Suite(.serialized) struct InstallTests {
  private let scratch = TemporaryFolder()
  private var prefix: String { scratch.path + "/prefix" }

  private static let root = Program.repository
  private static let script = root + "/scripts/install"

  private func install(_ words: String...) throws -> Outcome {
    try Program.run([Self.script, "--prefix", prefix] + words)
  }

  private func shell(_ script: String, _ words: String...) throws -> Outcome {
    try Program.run(["/bin/bash", "-c", script, prefix] + words)
  }

  private var files: [String] {
    get throws {
      try FileManager.default.subpathsOfDirectory(atPath: prefix).filter {
        var status = stat()
        return lstat("\(prefix)/\($0)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      }.sorted()
    }
  }

  @Test func theProgramsRunByTheirNamesAndTheirPagesAreClean() throws {
    let outcome = try install("--programs", Program.folder)
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.hasPrefix("Installs alexnet-train "), "\(outcome.output)")
    let line = "export PATH=\(prefix)/bin:$PATH"
    #expect(outcome.output.contains("\n  \(line)\n"), "\(outcome.output)")
    // The line as it is printed, in a shell that knows nothing else of the programs.
    let run = try shell(
      "\(line); mpirun --oversubscribe -np 2 alexnet-train --version && alexnet --version && "
        + "command -v alexnet-train alexnet")
    #expect(run.code == 0 && run.output.hasPrefix("alexnet-train "), "\(run.error)")
    #expect(
      run.output.hasSuffix("\(prefix)/bin/alexnet-train\n\(prefix)/bin/alexnet\n"), "\(run.output)")
    // With what the module file sets.
    let module = try shell(
      "env $(sed -n 's/^setenv \\([A-Z_]*\\) \\(.*\\)/\\1=\\2/p' \"$0\"/share/modulefiles/*/*) "
        + "\"$0/bin/alexnet-train\" --dry-run --network alexnet-64")
    #expect(module.code == 0, "\(module.error)")
    for name in ["alexnet-train", "alexnet"] {
      // groff's complaints are errors.
      let page = try shell(
        "MANWIDTH=100 man --warnings=w -l \"$0/share/man/man1/\(name).1\" 2>&1 >/dev/null")
      #expect(page.code == 0 && page.output.isEmpty, "\(page.output)")
      let bash = try shell("bash -n \"$0/share/bash-completion/completions/\(name)\"")
      #expect(bash.code == 0, "\(bash.error)")
      for file in ["zsh/site-functions/_\(name)", "fish/vendor_completions.d/\(name).fish"] {
        let all = try files
        #expect(all.contains("share/" + file), "\(all)")
      }
    }
  }

  @Test func nothingThatIsInstalledPointsBackToTheSources() throws {
    #expect(try install("--programs", Program.folder).code == 0)
    for name in try files where !name.hasPrefix("bin/") {
      let text = try String(contentsOfFile: "\(prefix)/\(name)", encoding: .isoLatin1)
      #expect(!text.contains(Self.root), "\(name)")
      let isForReaders = name.hasPrefix("share/doc/")
      #expect(isForReaders || !text.contains(".build/"), "\(name)")
    }
    // A batch script starts the installed programs, with nothing said about where they are.
    let launch = "cd /; \"$0\"/bin/alexnet launch --print"
    let job = try shell(launch + " --scheduler slurm --data DATA --out RUN")
    #expect(job.output.contains("exec \(prefix)/bin/alexnet launch "), "\(job.output)")
    let line = try shell(launch + " --data DATA")
    #expect(line.output.contains(" \(prefix)/bin/alexnet-train --data DATA"), "\(line.output)")
  }

  @Test func uninstallingLeavesWhatIsNotItsOwn() throws {
    #expect(try install("--programs", Program.folder).code == 0)
    let count = try files.count
    let own = prefix + "/bin/mine"
    try "mine".write(toFile: own, atomically: true, encoding: .utf8)
    // Once more over the first, with a file that this version does not have.
    let list = prefix + "/share/alexnet-train/installed-files"
    let old = prefix + "/share/doc/alexnet-train/Old.md"
    try "old".write(toFile: old, atomically: true, encoding: .utf8)
    let text = try String(contentsOfFile: list, encoding: .utf8)
    try (text + "share/doc/alexnet-train/Old.md\n").write(
      toFile: list, atomically: true, encoding: .utf8)
    #expect(try install("--programs", Program.folder).code == 0)
    #expect(try files.count == count + 1 && !FileManager.default.fileExists(atPath: old))
    let removed = try install("--uninstall")
    #expect(removed.code == 0, "\(removed.error)")
    let left = try files
    #expect(left == ["bin/mine"], "\(left)")
    unlink(own)
    let again = try install("--uninstall")
    #expect(again.code == 66 && again.error.contains("nothing is installed in"), "\(again.error)")
    // A list that names what lies elsewhere is not followed.
    #expect(try install("--programs", Program.folder).code == 0)
    let victim = scratch.path + "/victim"
    try "kept".write(toFile: victim, atomically: true, encoding: .utf8)
    try "../victim\n".write(toFile: list, atomically: true, encoding: .utf8)
    #expect(try install("--uninstall").code == 65)
    #expect(FileManager.default.fileExists(atPath: victim))
  }

  /// Whatever the mask of whoever installs, and wherever the command is given.
  @Test func everybodyMayUseWhatIsInstalled() throws {
    symlink(Program.folder, scratch.file("built"))
    let installed = try Program.run(
      ["bash", "-c", "umask 077; \"$@\"", "bash", Self.script, "--prefix=prefix"]
        + ["--programs", "built"], in: scratch.path)
    #expect(installed.code == 0, "\(installed.error)")
    let closed = try shell("find \"$0\" ! -perm -o=r -o -type d ! -perm -o=x")
    #expect(closed.output == "" && closed.error == "", "\(closed.output)")
    #expect(try files.contains("bin/alexnet"))
  }

  @Test func whatCannotBeDoneIsRefusedFirst() throws {
    for (words, code, sentence) in [
      (["--prefix", "/proc/no"], 73, "cannot be written"),
      (["--prefix", scratch.path + "/a b"], 64, "has a space"),
      (["--prefix", prefix, "--programs", scratch.path], 66, "is not there"),
      (["--prefix"], 64, "needs a folder"), (["--speed"], 64, "is not an option"),
      (["--prefix="], 64, "needs a folder"), (["--programs="], 64, "needs a folder"),
    ] {
      let outcome = try Program.run([Self.script] + words)
      #expect(Int(outcome.code) == code, "\(words): \(outcome.error)")
      #expect(outcome.error.contains(sentence), "\(words): \(outcome.error)")
    }
    let printed = try install("--print")
    #expect(printed.code == 0 && printed.output.contains("into \(prefix)"), "\(printed.output)")
    #expect(!FileManager.default.fileExists(atPath: prefix))
  }
}
