import MPI

MPI.Environment.run("alexnet-train") { world in
  try TrainCommand(world).run(CommandLine.arguments.dropFirst())
}
