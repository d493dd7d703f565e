import Foundation
import MPI
package import ModelParallel
package import System

/// The problems of a cluster, with their remedies.
package struct Diagnosis: Sendable {
  /// One problem.
  package struct Finding: Sendable, Equatable {
    /// The problem and its remedy.
    package let sentence: String
    /// How training would fail; nil if it would only be slower.
    package let exitCode: ExitCode?
  }

  /// A link between two ranks with its measurements.
  package struct MeasuredLink: Sendable {
    /// The indices of the two ranks among the facts.
    package let ranks: (Int, Int)
    /// The measured latency and bandwidth.
    package let link: LinkCheck.Link
    /// The bytes that a step sends over it each way.
    package let bytes: Int

    package init(ranks: (Int, Int), link: LinkCheck.Link, bytes: Int) {
      self.ranks = ranks
      self.link = link
      self.bytes = bytes
    }
  }

  /// The problems, the worst first.
  package private(set) var findings: [Finding] = []

  /// The exit code of the worst problem; `done` if training would work.
  package var exitCode: ExitCode { findings.lazy.compactMap(\.exitCode).first ?? .done }

  /// A slower link is probably not the one meant to join the hosts, in bytes per second each way.
  private static let slowLink = 60e6
  /// The allowed difference of clocks in seconds.
  private static let clockTolerance = 2.0

  /// Examines the facts of all ranks, and the measured links.
  package init(_ facts: [RankFacts], links: [MeasuredLink] = []) {
    guard let first = facts.first else { return }
    let hosts = Dictionary(grouping: facts, by: \.host).sorted {
      $0.value[0].rank < $1.value[0].rank
    }
    compare(facts, with: first)
    for (host, ranks) in hosts {
      lookAtMemory(of: host, ranks)
      lookAtCores(of: host, ranks)
      lookAtReading(of: host, ranks)
    }
    for link in links { lookAt(link, facts) }
    for (host, ranks) in hosts { lookAtClock(of: host, ranks[0], first) }
    if facts.contains(where: { !$0.allowsConcurrentCalls }) {
      warn(
        "This MPI does not let several threads call it, so messages move only between layers; use "
          + "a build with MPI_THREAD_MULTIPLE, as Debian's is.")
    }
    findings = findings.filter { $0.exitCode != nil } + findings.filter { $0.exitCode == nil }
  }

  private mutating func fail(_ code: ExitCode, _ sentence: String) {
    findings.append(Finding(sentence: sentence, exitCode: code))
  }

  private mutating func warn(_ sentence: String) {
    findings.append(Finding(sentence: sentence, exitCode: nil))
  }

  // MARK: What must be equal

  private mutating func compare(_ facts: [RankFacts], with first: RankFacts) {
    for rank in facts where rank.datasetProblem != nil {
      fail(.inputMissing, "On \(rank.host) (rank \(rank.rank)): \(rank.datasetProblem ?? "")")
      break
    }
    if let other = facts.first(where: { $0.dataset != nil && $0.dataset != first.dataset }),
      first.dataset != nil
    {
      fail(
        .ranksDisagree,
        "The dataset on \(other.host) differs from that on \(first.host) (its description has the "
          + "checksum \(other.dataset?.prefix(12) ?? ""), not \(first.dataset?.prefix(12) ?? "")); "
          + "copy it again, or use a shared folder.")
    }
    if let other = facts.first(where: { $0.program != first.program }) {
      fail(
        .ranksDisagree,
        "The program on \(other.host) is a different build from that on \(first.host); copy "
          + "\(first.host)'s to the same path, or run it from a shared folder.")
    }
    if first.sharesRunFolder == false {
      fail(
        .cannotCreate,
        "Nothing can be created in the folder for the run on \(first.host); choose another --out.")
    } else if let other = facts.first(where: { $0.sharesRunFolder == false }) {
      warn(
        "\(other.host) (rank \(other.rank)) does not see what \(first.host) writes into the folder "
          + "for the run, so its ranks will send their parts of checkpoints to \(first.host), "
          + "while training waits; --out on a shared file system saves that.")
    }
    if let other = facts.first(where: { $0.mpi != first.mpi }) {
      fail(
        .ranksDisagree,
        "\(other.host) has \(other.mpi) and \(first.host) \(first.mpi); install the same on all "
          + "hosts."
      )
    }
    if let other = facts.first(where: { $0.arithmetic != first.arithmetic }) {
      warn(
        "\(other.host) computes with code for \(other.arithmetic) and \(first.host) for "
          + "\(first.arithmetic): the slower one limits the speed, and the last bits of results "
          + "differ from those of equal hosts; --instruction-set common makes all compute alike.")
    }
  }

  // MARK: Hosts

  private mutating func lookAtMemory(of host: String, _ ranks: [RankFacts]) {
    let needed = ranks.reduce(0) { $0 + $1.needed }
    if let free = ranks[0].memory, needed > free {
      fail(
        .usage,
        "The ranks of \(host) need \(needed >> 20) MiB and \(free >> 20) MiB are free; take a "
          + "smaller --batch-size, or fewer ranks on the host.")
    }
    let shared = ranks.count * SegmentNames.bytesOfRank
    if ranks.count > 1, let free = ranks[0].sharedMemory, free < shared {
      warn(
        "/dev/shm of \(host) has \(free >> 20) MiB free, and its "
          + "\(counted(ranks.count, "rank", "ranks")) need "
          + "\(shared >> 20) MiB there to exchange messages at full speed: mount -o "
          + "remount,size=1g /dev/shm (in a container: --shm-size 1g).")
    }
  }

  private mutating func lookAtCores(of host: String, _ ranks: [RankFacts]) {
    let used = Set(ranks.flatMap(\.cores)).count
    let threads = ranks.reduce(0) { $0 + $1.threads }
    let cores = ranks[0].hostCores
    let quota = ranks.compactMap(\.quota).min()
    // Cores for which there is no time are not idle.
    if used < min(cores, Processors.wholeProcessors(quota) ?? cores) {
      warn(
        "\(cores - used) of \(cores) cores of \(host) are idle, since its ranks are bound to "
          + "\(used); start with \(LaunchOptions.binding(cores: cores, ranks: ranks.count)), or "
          + "\(LaunchOptions.unbound)."
      )
    }
    if let quota, Double(threads) > quota + 0.05, quota < Double(used) {
      warn(
        "\(counted(threads, "thread", "threads")) of \(counted(ranks.count, "rank", "ranks")) on "
          + "\(host) share the "
          + "\(String(format: "%.3g", quota)) processors that their control group may use (its CPU "
          + "quota), and all wait where one is out of time; give the job more (docker --cpus "
          + "\(threads)), or start fewer ranks or --threads.")
    }
    if threads > used {
      let isBound = ranks.contains { $0.cores.count < cores }
      warn(
        "\(counted(threads, "thread", "threads")) of \(counted(ranks.count, "rank", "ranks")) "
          + "share \(counted(used, "core", "cores")) of "
          + "\(host)"
          + (isBound && used < cores
            ? "; bind each rank to cores of its own: "
              + "\(LaunchOptions.binding(cores: cores, ranks: ranks.count))."
            : "; start \(counted(max(1, cores), "rank", "ranks")) at most there, or give fewer "
              + "--threads.")
      )
    }
  }

  private mutating func lookAtReading(of host: String, _ ranks: [RankFacts]) {
    guard ranks.count > 1, let copies = LaunchOptions.copies,
      let problem = ranks.lazy.compactMap(\.readingProblem).first
    else { return }
    warn(
      "The ranks of \(host) may not read each other's memory (process_vm_readv: \(problem)), so "
        + "large messages are copied twice; start the container with --cap-add SYS_PTRACE, or with "
        + "a newer Docker, or outside of containers set the kernel's kernel.yama.ptrace_scope to 1. "
        + "Until then \(copies), which the program sets by itself, "
        + "keeps Open MPI from trying.")
  }

  private mutating func lookAtClock(of host: String, _ rank: RankFacts, _ first: RankFacts) {
    guard abs(rank.clock) > Self.clockTolerance else { return }
    warn(
      "The clock of \(host) is \(Int(abs(rank.clock).rounded())) s "
        + "\(rank.clock < 0 ? "behind" : "ahead of") that of \(first.host), so the times of files "
        + "and logs mislead; start chrony or systemd-timesyncd on both."
    )
  }

  // MARK: Links

  private mutating func lookAt(_ measured: MeasuredLink, _ facts: [RankFacts]) {
    guard measured.link.bandwidth < Self.slowLink else { return }
    let (low, high) = (facts[measured.ranks.0], facts[measured.ranks.1])
    warn(
      "The link between \(low.host) (rank \(low.rank)) and \(high.host) (rank \(high.rank)) "
        + "carries \(Int(measured.link.bandwidth * 8e-6)) Mbit/s each way, and a step sends "
        + "\(measured.bytes >> 20) MiB over it: "
        + "\(Int(1e3 * Double(measured.bytes) / measured.link.bandwidth)) ms. Choose a faster "
        + "network with \(LaunchOptions.messages()), "
        + (LaunchOptions.streams(2).map { "add \($0), " } ?? "")
        + "or send less: --send-activations bf16 --send-gradients bf16.")
  }
}
