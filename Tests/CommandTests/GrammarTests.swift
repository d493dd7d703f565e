import Foundation
import TestSupport
import Testing

/// The words that all subcommands have in common: what is looked at comes first, and a run knows
/// its dataset, whatever folder one is in.
@Suite(.serialized) struct GrammarTests {
  private let scratch = TemporaryFolder()

  private func inFolder(_ folder: String, _ words: String) throws -> Outcome {
    try Program.run([
      "/bin/sh", "-c", "cd \"$0\" && PATH=$1:$PATH && \(words)", folder, Program.folder,
    ])
  }

  @Test func aRunComesFirstAndKnowsItsDatasetFromAnyFolder() throws {
    let pictures = try Pictures.tiny.get().path
    let trained = try inFolder(
      pictures,
      "alexnet-train --data dataset --network cifar-four-layer --batch-size 20 --max-steps 1 --out "
        + scratch.path + "/run")
    #expect(trained.code == 0, "\(trained.error)")
    #expect(trained.output.contains("Done after 1 step:"), "\(trained.output)")
    let source = try Data(
      contentsOf: URL(fileURLWithPath: pictures + "/source/t10k-images-idx3-ubyte"))
    let picture = Data("P5 28 28 255\n".utf8) + source[16..<(16 + 784)]
    try picture.write(to: URL(fileURLWithPath: scratch.path + "/boot.pgm"))
    for (words, says) in [
      ("evaluate run --top 1", "10 validation images of '\(pictures)/dataset'"),
      ("evaluate run --worst 1 --data '\(pictures)/dataset'", "10 validation images"),
      ("predict run boot.pgm --top 2", "boot.pgm"),
      ("predict --checkpoint run boot.pgm", "boot.pgm"),
      ("features run --images 3 --out f.npy", "Wrote 3 x 10 outputs"),
      ("preview run --out a.png --images 4", "Drew 'a.png'"),
      ("preview '\(pictures)/dataset' --out a.png --count 4", "Drew 'a.png'"),
      ("loading run --steps 1", "of core time per picture"),
      ("similar run --features s.npy --set '\(pictures)/dataset' boot.pgm --top 1", "boot.pgm"),
    ] {
      let outcome = try inFolder(scratch.path, "alexnet \(words)")
      #expect(outcome.code == 0, "\(words): \(outcome.error)")
      #expect(outcome.output.contains(says), "\(words): \(outcome.output)")
    }
    for (words, code, says) in [
      ("preview run --out a.jpg", 64, "ends in .png"),
      ("preview --out a.png", 64, "Name one dataset"),
      ("predict run", 64, "alexnet predict RUN cat.jpg"),
      // A name that is not UTF-8 would become another's.
      ("preview run --out \"$(printf 'caf\\351.png')\"", 64, "of --out is not UTF-8"),
      (
        "export run --format safetensors --out w.safetensors >/dev/null && alexnet evaluate "
          + "w.safetensors", 64, "does not say what it was trained on; give --data"
      ),
    ] as [(String, Int32, String)] {
      let outcome = try inFolder(scratch.path, "alexnet \(words)")
      #expect(outcome.code == code && outcome.error.contains(says), "\(words): \(outcome.error)")
    }
  }

  @Test func aNarrowTerminalsHelpFits() throws {
    for words in ["alexnet-train --help", "alexnet help", "alexnet help prepare"] {
      let outcome = try inFolder("/", "COLUMNS=64 \(words)")
      let lines = outcome.output.split(separator: "\n")
      #expect(outcome.code == 0 && lines.count > 20 && lines.allSatisfy { $0.count <= 64 })
    }
    let root = Program.repository
    let quickstart = try inFolder(root, "scripts/quickstart --help")
    #expect(quickstart.code == 0 && quickstart.output.contains("QUICKSTART_RUN"))
    let unknown = try inFolder(root, "scripts/quickstart --fast")
    #expect(unknown.code == 64 && unknown.error.contains("'--fast' is not an option"))
  }
}
