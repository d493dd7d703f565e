import Glibc
import Options
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
    if let text = try manual.description(words) { return try StandardStream.output.write(text) }
    guard let subcommand = subcommands.first(where: { $0.name == name }) else {
      throw Failure(
        .usage, "\(quoted(name)) is not a subcommand; 'alexnet --help' lists the subcommands.")
    }
    try subcommand.run(Array(words.dropFirst()))
  }

  private static var manual: Manual {
    Manual(
      program: "alexnet", summary: "tools around the training of AlexNet",
      commands: subcommands.map { ($0.summary, $0.command) })
  }

  private static var helpText: String {
    var text = "Usage: alexnet SUBCOMMAND [options]\n\nTools for training and using AlexNet.\n\n"
    for subcommand in subcommands {
      text += "  \(Column.left(11).fitted(subcommand.name)) \(subcommand.summary)\n"
    }
    return text + "\n'alexnet SUBCOMMAND --help' lists its options.\n"
  }
}
