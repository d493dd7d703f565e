import MPI
import Supervision
import System

StandardStream.openAll()
StopSignals.install()
let startWatch = Watchdog(startOfMPI: 90)
MPI.Environment.run("alexnet-train") { world in
  startWatch.stop()
  let code = try TrainCommand(world).run(CommandLine.arguments.dropFirst())
  // The launcher is ending the job: MPI_Finalize would wait until it kills the process. All ranks leave in the same way,
  // whichever of them has heard of it.
  let isEnding = try world.allReduce(Int64(StopSignals.current == .leave ? 1 : 0), .max) != 0
  if isEnding { try MPI.Environment.leave(world, code) }
  try SegmentNames.restore(of: world)
  return code
}
