import Glibc
import System

/// The toolbox: `alexnet SUBCOMMAND [options]`.
///
/// A subcommand needs one file, and one line in the table here.
@main
struct Main {
  static var subcommands: [any Subcommand.Type] {
    [
      Prepare.self, Preview.self, Evaluate.self, Predict.self, Similar.self, ReportPage.self,
      Plot.self, Loading.self, Bench.self, Doctor.self, Scale.self, Export.self, Import.self,
      Features.self, Verify.self,
    ]
  }

  static func main() {
    StandardStream.openAll()
    // A closed pipe gives a write error instead of killing the process.
    signal(SIGPIPE, SIG_IGN)
    do throws(Failure) {
      try run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      StandardStream.error.tell("alexnet: \(error.message)\n")
      exit(error.exitCode.rawValue)
    }
  }

  private static func run(_ words: [String]) throws(Failure) {
    guard let name = words.first else {
      StandardStream.error.tell(helpText)
      exit(ExitCode.usage.rawValue)
    }
    if ["--help", "-h", "help"].contains(name) { return try StandardStream.output.write(helpText) }
    guard let subcommand = subcommands.first(where: { $0.name == name }) else {
      throw Failure(
        .usage, "\(quoted(name)) is not a subcommand; 'alexnet --help' lists those there are.")
    }
    try subcommand.run(Array(words.dropFirst()))
  }

  private static var helpText: String {
    var text = "Usage: alexnet SUBCOMMAND [options]\n\nTools around the training of AlexNet.\n\n"
    for subcommand in subcommands {
      let space = String(repeating: " ", count: max(1, 12 - subcommand.name.count))
      text += "  \(subcommand.name)\(space)\(subcommand.summary)\n"
    }
    return text + "\n'alexnet SUBCOMMAND --help' lists its options.\n"
  }
}
