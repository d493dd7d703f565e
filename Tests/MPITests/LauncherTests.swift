import MPI
import Testing

/// What is known of the launcher.
@Suite struct LauncherTests {
  @Test func settingsAreThoseThatSomebodyMadeAndNotTheLauncherItself() {
    let environment = [
      "OMPI_MCA_btl_tcp_links": "2", "OMPI_MCA_btl": "tcp,self", "OMPI_MCA_pmix_x": "1",
      "OMPI_MCA_orte_launch": "1", "OMPI_MCA_PREFIXES": "mca,opal", "OMPI_COMM_WORLD_SIZE": "2",
      "HOME": "/root",
    ]
    #expect(Launcher.settings(in: environment) == ["btl=tcp,self", "btl_tcp_links=2"])
  }

  @Test func optionsAreThoseOfTheLauncher() {
    #expect(
      LaunchOptions.network("eth0")
        == "--mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0")
    #expect(LaunchOptions.cores(each: 2) == "--map-by slot:PE=2 --bind-to core")
  }
}
