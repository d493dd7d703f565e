import MPI
import Supervision
import System

StandardStream.openAll()
StopSignals.install()
let startWatch = Watchdog(startOfMPI: 90)
MPI.Environment.run("alexnet-train") { world in
  startWatch.stop()
  let code = try TrainCommand.run(Array(CommandLine.arguments.dropFirst()), over: world)
  // mpirun is ending the job: MPI_Finalize would wait until mpirun kills the process. All ranks
  // exit in the same way, whichever of them has received the signal.
  let isEnding = try world.allReduce(Int64(StopSignals.current == .leave ? 1 : 0), .max) != 0
  if isEnding { try MPI.Environment.leave(world, code) }
  try SharedMemory.restoreNames(of: world)
  return code
}
