import Foundation
import MPI
import Options
import Supervision
import System
import Training

/// Prints help, the version, or what an installation is made of, where that is asked for; otherwise
/// sees whether the ranks can be started.
///
/// Nothing of it needs MPI. Under mpirun the first rank speaks.
func describeProgram() {
  let manual = Manual(
    program: "alexnet-train", summary: "train AlexNet on the ranks of MPI",
    commands: [("", TrainOptions.command)])
  do throws(Failure) {
    let words = Array(CommandLine.arguments.dropFirst())
    var text = try manual.description(words)
    // A command line that is not understood is refused later, on all ranks together.
    if text == nil, let arguments = try? TrainOptions.command.parse(words) {
      if arguments[Command.help] { text = TrainOptions.command.helpText }
      if arguments[Command.version] { text = ProgramVersion().text(of: "alexnet-train") }
    }
    // MPI would say less, or crash, where it gets no more files for its connections.
    guard let text else { return try Descriptors.require(64, for: "This program") }
    if MPI.Environment.isFirstByLauncher { try StandardStream.output.write(text) }
    exit(ExitCode.done.rawValue)
  } catch {
    StandardStream.error.tell("alexnet-train: \(error.message)\n")
    exit(error.exitCode.rawValue)
  }
}

StandardStream.openAll(isRelayed: MPI.Environment.isLaunched)
// A reader of the help that goes away early has what it wants.
signal(SIGPIPE, SIG_IGN)
describeProgram()
StopSignals.install()
let startWatch = Watchdog(startOfMPI: 90)
MPI.Environment.run("alexnet-train") { world in
  startWatch.stop()
  let code = try TrainCommand.run(Array(CommandLine.arguments.dropFirst()), over: world)
  // mpirun is ending the job: MPI_Finalize would wait until mpirun kills the process. All ranks
  // exit in the same way, whichever of them has received the signal.
  let isEnding = try world.allReduce(Int64(StopSignals.current == .leave ? 1 : 0), .max) != 0
  if isEnding { try MPI.Environment.leave(world, code) }
  try SegmentNames.restore(of: world)
  return code
}
