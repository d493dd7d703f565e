import Glibc
import MPI
import Testing

/// Launchers, found by what they are.
@Suite struct JobHolderTests {
  private static let variables = ["OMPI_COMM_WORLD_SIZE": "2", "PMIX_NAMESPACE": "77"]

  /// Searches among ancestors, the parent first, with the jobs that their environments name.
  private func find(
    _ ancestors: [(process: Int32, job: String?)], _ environment: [String: String] = variables
  ) -> JobHolder? {
    JobHolder.find({ environment[$0] }) { process in
      process == getpid()
        ? ancestors.first?.process
        : ancestors.firstIndex { $0.process == process }.flatMap {
          ancestors.indices.contains($0 + 1) ? ancestors[$0 + 1].process : nil
        }
    } variables: { process in
      ancestors.first { $0.process == process }?.job.map { ["PMIX_NAMESPACE=\($0)", "HOME=/"] }
    }
  }

  @Test func aParentOutsideTheJobIsTheLauncherWhateverItsName() {
    #expect(find([(10, nil), (1, nil)]) == JobHolder(process: 10, wrapper: nil))
    // One that belongs to an outer job, as a container's first process may.
    #expect(find([(1, "76")]) == JobHolder(process: 1, wrapper: nil))
  }

  @Test func scriptsBetweenBelongToTheJob() {
    let found = find([(1_999_999_998, "77"), (1_999_999_999, "77"), (10, nil), (1, nil)])
    #expect(found == JobHolder(process: 10, wrapper: "process 1999999999"))
  }

  @Test func anotherLauncherIsNotOpenMPIs() {
    #expect(find([(10, nil)], ["PMIX_NAMESPACE": "slurm.pmix.2.0", "SLURM_PROCID": "0"]) == nil)
    #expect(find([(10, nil)], [:]) == nil)
  }

  @Test func ranksThatAnotherMPIsLauncherStartedAreToldApart() {
    func complaint(_ size: Int, _ environment: [String: String]) -> String? {
      ForeignLauncher.complaint(worldSize: size, library: "Open MPI v4.1.4") { environment[$0] }
    }
    #expect(complaint(1, [:]) == nil)
    #expect(complaint(2, ["PMI_SIZE": "2", "PMI_RANK": "1"]) == nil)
    #expect(complaint(1, ["PMI_SIZE": "1", "MPI_LOCALNRANKS": "1"]) == nil)
    #expect(complaint(1, ["PMI_SIZE": "2", "PMI_RANK": "1"])?.contains("PMI_SIZE is 2") == true)
    #expect(complaint(1, ["MPI_LOCALNRANKS": "4"])?.contains("started 4 processes") == true)
  }
}
