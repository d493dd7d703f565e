import Foundation
import ModelParallel
import System
import Testing
import Training

/// Each fault planted into the facts of a sound cluster.
@Suite struct DiagnosisTests {
  /// Two hosts of 8 cores with two ranks each, as `alexnet doctor` would find them.
  static func sound() throws -> [RankFacts] {
    try (0..<4).map { rank in
      let cores = rank.isMultiple(of: 2) ? "[0,1,2,3]" : "[4,5,6,7]"
      let text = """
        {"rank": \(rank), "host": "h\(rank / 2 + 1)", "cores": \(cores), "hostCores": 8, "threads": 4,
         "memory": 17179869184, "needed": 1073741824, "sharedMemory": 8589934592, "clock": 0.001, "mpi": "Open MPI 4",
         "allowsConcurrentCalls": true, "arithmetic": "Zen, AVX-512", "program": "abc", "dataset": "123456789012345",
         "sharesRunFolder": true}
        """
      return try JSONDecoder().decode(RankFacts.self, from: Data(text.utf8))
    }
  }

  private func diagnose(_ change: (inout [RankFacts]) -> Void) throws -> Diagnosis {
    var facts = try Self.sound()
    change(&facts)
    return Diagnosis(facts)
  }

  private func expect(
    _ diagnosis: Diagnosis, code: ExitCode, says parts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(diagnosis.exitCode == code, sourceLocation: sourceLocation)
    let finding = diagnosis.findings.first
    for part in parts {
      #expect(
        finding?.sentence.contains(part) == true,
        "\(finding?.sentence ?? "nothing") lacks '\(part)'",
        sourceLocation: sourceLocation)
    }
  }

  @Test func aHealthyClusterHasNoFindings() throws {
    let diagnosis = try diagnose { _ in }
    #expect(diagnosis.findings.isEmpty && diagnosis.exitCode == .done)
  }

  @Test func coresIdleBecauseOfBindingAreReported() throws {
    let diagnosis = try diagnose { facts in
      for rank in facts.indices {
        facts[rank].cores = [rank % 2]
        facts[rank].threads = 1
      }
    }
    expect(diagnosis, code: .done, says: "6 of 8 cores of h1 are idle", "--map-by slot:PE=4")
    #expect(diagnosis.findings.count == 2, "one for each host")
  }

  @Test func twoRanksOnOneCoreAreReported() throws {
    let diagnosis = try diagnose { facts in
      for rank in facts.indices { (facts[rank].cores, facts[rank].threads) = ([0], 1) }
    }
    let sentences = diagnosis.findings.map(\.sentence)
    #expect(sentences.contains { $0.contains("2 threads of 2 ranks share 1 core of h1") })
  }

  @Test func moreThreadsThanCoresAreReported() throws {
    let diagnosis = try diagnose { facts in facts[0].threads = 8 }
    expect(diagnosis, code: .done, says: "12 threads of 2 ranks share 8 cores of h1", "--threads")
  }

  @Test func anotherProgramOnOneHostIsReported() throws {
    let diagnosis = try diagnose { facts in facts[2].program = "abd" }
    expect(diagnosis, code: .ranksDisagree, says: "program on h2", "h1")
  }

  @Test func anotherDatasetOnOneHostIsReported() throws {
    let diagnosis = try diagnose { facts in facts[3].dataset = "923456789012345" }
    expect(diagnosis, code: .ranksDisagree, says: "dataset on h2", "923456789012", "123456789012")
  }

  @Test func aDatasetMissingOnOneHostIsReported() throws {
    let diagnosis = try diagnose { facts in
      facts[2].dataset = nil
      facts[2].datasetProblem = "The dataset '/d' cannot be opened."
    }
    expect(diagnosis, code: .inputMissing, says: "On h2 (rank 2)", "'/d'")
  }

  @Test func aRunFolderThatIsNotSharedIsReported() throws {
    let diagnosis = try diagnose { facts in facts[2].sharesRunFolder = false }
    expect(diagnosis, code: .done, says: "h2 (rank 2) does not see what h1 writes", "--out")
    let without = try diagnose { facts in facts[0].sharesRunFolder = false }
    expect(without, code: .cannotCreate, says: "Nothing can be created", "on h1")
  }

  @Test func anotherMPIOnOneHostIsReported() throws {
    let diagnosis = try diagnose { facts in facts[2].mpi = "Open MPI 5" }
    expect(diagnosis, code: .ranksDisagree, says: "h2 has Open MPI 5 and h1 Open MPI 4")
  }

  @Test func tooLittleMemoryIsReported() throws {
    let diagnosis = try diagnose { facts in for rank in [2, 3] { facts[rank].memory = 1 << 30 } }
    expect(diagnosis, code: .usage, says: "h2 need 2048 MiB and 1024 MiB are free", "--batch-size")
  }

  @Test func tooLittleSharedMemoryIsReported() throws {
    let diagnosis = try diagnose { facts in facts[0].sharedMemory = 1 << 20 }
    expect(diagnosis, code: .done, says: "/dev/shm of h1 has 1 MiB", "--shm-size")
  }

  @Test func clocksThatDifferAreReported() throws {
    let diagnosis = try diagnose { facts in for rank in [2, 3] { facts[rank].clock = -40 } }
    expect(diagnosis, code: .done, says: "clock of h2 is 40 s behind that of h1", "chrony")
  }

  @Test func anotherProcessorOnOneHostIsReported() throws {
    let diagnosis = try diagnose { facts in facts[2].arithmetic = "Haswell, AVX2" }
    expect(diagnosis, code: .done, says: "h2 computes with code for Haswell, AVX2")
  }

  @Test func aSlowLinkIsReported() throws {
    let slow = Diagnosis.MeasuredLink(
      ranks: (0, 2), link: LinkCheck.Link(latency: 1e-4, bandwidth: 12.5e6), bytes: 25 << 20)
    let fast = Diagnosis.MeasuredLink(
      ranks: (0, 1), link: LinkCheck.Link(latency: 1e-6, bandwidth: 3e9), bytes: 25 << 20)
    let diagnosis = Diagnosis(try Self.sound(), links: [fast, slow])
    #expect(diagnosis.findings.count == 1)
    expect(
      diagnosis, code: .done, says: "between h1 (rank 0) and h2 (rank 2) carries 100 Mbit/s",
      "25 MiB",
      "2097 ms", "--mca btl_tcp_if_include")
  }

  @Test func errorsComeBeforeWarnings() throws {
    let diagnosis = try diagnose { facts in
      facts[0].sharedMemory = 0
      facts[2].clock = 100
      facts[2].program = "abd"
    }
    expect(diagnosis, code: .ranksDisagree, says: "program")
    #expect(diagnosis.findings.count == 3)
  }
}
