import Foundation
import MPI
import ModelParallel
import System
import Training

/// The output of `alexnet doctor`.
struct DoctorReport {
  let cores: Cores
  let facts: [RankFacts]
  let placement: Placement
  let links: [Diagnosis.MeasuredLink]
  let diagnosis: Diagnosis

  var text: String {
    var lines = [cores.summary] + cores.notes
    lines.append(
      "\(counted(placement.replicas, "replica", "replicas")) of \(placement.towers) "
        + "towers, "
        + (placement.isDistributed ? "one tower a rank" : "all towers on each rank") + ".")
    lines.append(settings)
    lines += [
      "", "host              ranks          cores  threads  memory free  needed   /dev/shm   clock",
    ]
    for (host, ranks) in hosts { lines.append(row(host, ranks)) }
    if !links.isEmpty {
      lines += ["", "link               latency    each way, both in use    a step's messages"]
      lines += links.map(row)
    }
    lines += ["", "Every kind of message arrived intact."]
    for finding in diagnosis.findings {
      lines.append(
        (finding.exitCode == nil ? "Warning: " : "Training would fail: ") + finding.sentence)
    }
    if diagnosis.findings.isEmpty { lines.append("No problem was found.") }
    return lines.joined(separator: "\n") + "\n"
  }

  private var hosts: [(String, [RankFacts])] {
    Dictionary(grouping: facts, by: \.host).sorted { $0.value[0].rank < $1.value[0].rank }
  }

  /// Open MPI's settings from the environment, by name.
  private var settings: String {
    let names = Launcher.settings(in: ProcessInfo.processInfo.environment)
    return "Settings of Open MPI: \(names.isEmpty ? "none" : names.joined(separator: ", "))."
  }

  private func row(_ host: String, _ ranks: [RankFacts]) -> String {
    func mebibytes(_ bytes: Int?) -> String { bytes.map { "\($0 >> 20) MiB" } ?? "unknown" }
    let used = Set(ranks.flatMap(\.cores))
    let hardwareThreads = ranks[0].hostThreads ?? 0
    let hardware = hardwareThreads > ranks[0].hostCores ? " (\(hardwareThreads) HT)" : ""
    let cells = [
      host, "\(ranks.count)", "\(used.count) of \(ranks[0].hostCores)" + hardware,
      "\(ranks.map(\.threads).reduce(0, +))",
      mebibytes(ranks[0].memory), mebibytes(ranks.reduce(0) { $0 + $1.needed }),
      mebibytes(ranks[0].sharedMemory), String(format: "%+.1f s", ranks[0].clock),
    ]
    return tableLine(cells, [.left(16)] + [6, 14, 8, 12, 8, 11, 8].map(Column.right))
  }

  private func row(_ measured: Diagnosis.MeasuredLink) -> String {
    let (low, high) = (placed(measured.ranks.0), placed(measured.ranks.1))
    let link = measured.link
    return Column.left(18).fitted("\(low) - \(high)")
      + String(
        format: "%8.1f us %10.2f GB/s %8.0f ms (%d MiB)", 1e6 * link.latency, 1e-9 * link.bandwidth,
        1e3 * Double(measured.bytes) / link.bandwidth, measured.bytes >> 20)
  }

  private func placed(_ place: Int) -> String { "\(facts[place].rank) \(facts[place].host)" }
}
