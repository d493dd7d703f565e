import MPI
import Supervision

StopSignals.install()
let startWatch = Watchdog(startOfMPI: 90)
MPI.Environment.run("alexnet-train") { world in
  startWatch.stop()
  let code = try TrainCommand(world).run(CommandLine.arguments.dropFirst())
  // mpirun is ending the job: MPI_Finalize would wait until it kills the process.
  if StopSignals.current == .leave { try MPI.Environment.leave(world, code) }
  return code
}
