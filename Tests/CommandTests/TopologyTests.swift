import Foundation
import TestSupport
import Testing

/// Machines of other kinds, as hwloc describes them to Open MPI and to the programs alike.
@Suite(.serialized) struct TopologyTests {
  /// Runs a line with another machine's topology.
  private func run(_ machine: String, _ words: [String], _ more: [String] = []) throws -> Outcome {
    try Program.run(["/usr/bin/env", "HWLOC_SYNTHETIC=\(machine)"] + more + words)
  }

  @Test func hardwareThreadsAreNotCores() throws {
    let outcome = try run(
      "core:4 pu:2",
      [
        "mpirun", "--oversubscribe", "--bind-to", "none", "-np", "2", Program.folder + "/alexnet",
        "doctor",
      ])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(
      outcome.output.contains("4 cores (8 hardware threads) and 2 threads each"),
      "\(outcome.output)")
    #expect(outcome.output.contains("4 of 4 (8 HT)"), "\(outcome.output)")
  }

  @Test func aWishIsHonouredAndNamed() throws {
    let doctor = [
      "mpirun", "--oversubscribe", "--bind-to", "none", "-np", "2", Program.folder + "/alexnet",
      "doctor",
    ]
    let wish = try run("core:4 pu:2", doctor, ["OMP_NUM_THREADS=1"])
    #expect(wish.output.contains("and 1 thread each"), "\(wish.output)")
    #expect(
      wish.output.contains("OMP_NUM_THREADS asks for 1 thread a rank, and a rank has 2 cores"))
    let equal = try run("core:4 pu:2", doctor, ["OMP_NUM_THREADS=2"])
    #expect(!equal.output.contains("OMP_NUM_THREADS"))
  }

  /// Older Dockers deny a system call that Open MPI sends large messages by.
  @Test func deniedReadingOfOtherRanksMemoryIsFoundAndAvoided() throws {
    // A filter of system calls: number 310 (process_vm_readv) is answered by EPERM.
    let filter = """
      my $code = join "", map { pack "SCCL", @$_ } [0x20, 0, 0, 0], [0x15, 0, 1, 310],
        [0x06, 0, 0, 0x00050001], [0x06, 0, 0, 0x7fff0000];
      my $program = pack "Sx6P", 4, $code;
      syscall(157, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
      syscall(317, 1, 0, $program) == 0 or die "seccomp: $!";
      exec @ARGV or die;
      """
    let words = [
      "/usr/bin/env", "perl", "-e", filter, "mpirun", "--oversubscribe", "--bind-to", "none", "-np",
      "2", Program.folder + "/alexnet", "doctor",
    ]
    let outcome = try Program.run(words)
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("may not read each other's memory"), "\(outcome.output)")
    #expect(outcome.output.contains("--cap-add SYS_PTRACE"))
    #expect(!outcome.error.contains("Read -1"), "\(outcome.error.prefix(300))")
    // As Open MPI would have it by itself: the complaints that the program avoids.
    let chosen = try Program.run(
      ["/usr/bin/env", "OMPI_MCA_btl_vader_single_copy_mechanism=cma"] + words.dropFirst())
    #expect((chosen.error + chosen.output).contains("Read -1"), "\(chosen.error.prefix(300))")
  }

  /// Each process that MPICH's mpiexec starts is told so, and is alone to Open MPI.
  @Test func processesOfAnotherMPIsLauncherAreRefused() throws {
    for (program, words) in [("alexnet", ["doctor"]), ("alexnet-train", [])] {
      for rank in ["0", "1"] {
        let outcome = try Program.run(
          ["/usr/bin/env", "PMI_SIZE=2", "PMI_RANK=\(rank)", "MPI_LOCALNRANKS=2"]
            + ["\(Program.folder)/\(program)"] + words)
        #expect(outcome.code == 64, "\(outcome.error)")
        #expect(outcome.output.isEmpty)
        if rank == "0" {
          #expect(
            outcome.error.contains("each of them is alone")
              && outcome.error.split(separator: "\n").count == 1,
            "\(outcome.error)")
        } else {
          #expect(outcome.error.isEmpty, "\(outcome.error)")
        }
      }
    }
  }
}
