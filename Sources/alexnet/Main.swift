import Glibc
import MPI
import Options
import System
import Training

/// The toolbox: `alexnet SUBCOMMAND [options]`.
///
/// A subcommand needs one file, and one line in the table here.
@main
struct Main {
  static var subcommands: [any Subcommand.Type] {
    [
      Prepare.self, Preview.self, Evaluate.self, Predict.self, Explain.self, Similar.self,
      ReportPage.self, Plot.self, Loading.self, Bench.self, Launch.self, Doctor.self, Scale.self,
      FindRate.self, Export.self, Import.self, Features.self, Verify.self, Info.self,
      Reproduce.self,
    ]
  }

  /// The open files that any subcommand may need.
  private static let leastFiles = 12

  static func main() {
    StandardStream.openAll(isRelayed: MPI.Environment.isLaunched)
    // A closed pipe, and a file beyond the size limit, give a write error instead of killing the
    // process.
    for signal in [SIGPIPE, SIGXFSZ] { Glibc.signal(signal, SIG_IGN) }
    // Whoever started this program may ignore the ends of others, which is inherited: then none
    // could be waited for.
    Glibc.signal(SIGCHLD, SIG_DFL)
    do throws(Failure) {
      try Descriptors.require(leastFiles, for: "This program")
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
    var text = try manual.description(words)
    if ["--help", "-h", "help"].contains(name) { text = helpText }
    if name == "help", words.count > 1 { text = try subcommand(words[1]).command.helpText }
    if name == "--version" { text = ProgramVersion().text(of: "alexnet") }
    if let text { return try say(text) }
    let subcommand = try subcommand(name)
    let rest = Array(words.dropFirst())
    // Help needs no MPI. A command line that is not understood is refused by the subcommand.
    if (try? subcommand.command.parse(rest))?[Command.help] == true {
      return try say(subcommand.command.helpText)
    }
    try subcommand.run(rest)
  }

  /// The subcommand of a name.
  /// - Throws: `Failure` (usage) that names what was probably meant.
  private static func subcommand(_ name: String) throws(Failure) -> any Subcommand.Type {
    if let known = subcommands.first(where: { $0.name == name }) { return known }
    let hint =
      name == "train"
      ? "; the program 'alexnet-train' trains."
      : Hint.nearest(to: name, among: subcommands.map { $0.name }).map { "; did you mean \($0)?" }
        ?? "."
    throw Failure(
      .usage, "\(quoted(name)) is not a subcommand\(hint) 'alexnet --help' lists the subcommands.")
  }

  /// Prints a text; under mpirun the first rank speaks.
  private static func say(_ text: String) throws(Failure) {
    if MPI.Environment.isFirstByLauncher { try StandardStream.output.write(text) }
  }

  private static var manual: Manual {
    Manual(
      program: "alexnet", summary: "tools around the training of AlexNet",
      commands: subcommands.map { ($0.summary, $0.command) })
  }

  private static var helpText: String {
    var text = "Usage: alexnet SUBCOMMAND [options]\n\nTools for training and using AlexNet.\n\n"
    let width = min(100, max(40, StandardStream.output.columns ?? 100))
    for subcommand in subcommands {
      text += Command.wrapped(
        subcommand.summary, width, indent: 14, first: "  " + subcommand.name)
    }
    return text + "\n"
      + Command.wrapped(
        "'alexnet help SUBCOMMAND' lists its options; 'alexnet --version' names the version.",
        width, indent: 0)
  }
}
