import Foundation
import System
import TestSupport
import Testing
import Training

@Suite struct ScheduleFileTests {
  private func read(_ text: String) throws -> LearningRateSchedule {
    let folder = TemporaryFolder()
    let path = folder.path + "/rates"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return try LearningRateSchedule(contentsOf: path)
  }

  @Test func aFileGivesTheRateFromEachEpochOn() throws {
    let schedule = try read("# by hand\n\n2 0.005  # slower\n 3.5\t1e-4\r\n")
    #expect(schedule == .table(epochs: [2, 3.5], rates: [0.005, 1e-4]))
    let rates = [0, 1.99, 2, 3.49, 3.5, 80].map {
      ScheduleState().learningRate(initial: 0.01, schedule, epoch: $0)
    }
    #expect(rates == [0.01, 0.01, 0.005, 0.005, 1e-4, 1e-4])
  }

  @Test(arguments: [
    "", "# nothing", "1", "1 2 3", "a 0.1", "1 nan", "-1 0.1", "0 0", "1 -0.1",
    "1e300 0.1", "1000001 0.1", "1 0.1 # a\0b",
  ])
  func whatIsNoScheduleIsRefused(text: String) throws {
    #expect(throws: Failure.self) { try read(text) }
  }

  @Test func windowsLineEndsEndLines() throws {
    #expect(
      try read("# by hand\r\n2 0.005\r\n\r\n3.5 1e-4\r\n")
        == .table(epochs: [2, 3.5], rates: [0.005, 1e-4]))
    let failure = #expect(throws: Failure.self) { try read("5 0.1\r\n\r\n5 0.01\r\n") }
    #expect(failure?.message.contains("Line 3 of") == true)
  }

  @Test func epochsMustRiseAndTheLineIsNamed() throws {
    let failure = #expect(throws: Failure.self) { try read("5 0.1\n\n5 0.01\n") }
    #expect(failure?.message.contains("Line 3 of") == true)
  }

  /// `CosineAnnealingLR(T_max=10)` from 0.05, at each epoch.
  @Test func theCosineIsPyTorchs() {
    let torch = [
      0.05, 0.048776412907378844, 0.04522542485937369, 0.03969463130731184, 0.03272542485937369,
      0.025, 0.01727457514062632, 0.010305368692688176, 0.0047745751406263175, 0.001223587092621162,
      0, 0,
    ]
    for (epoch, rate) in torch.enumerated() {
      let own = ScheduleState().learningRate(
        initial: 0.05, .cosine(epochs: 10), epoch: Double(epoch))
      #expect(abs(own - rate) < 1e-15, "\(epoch)")
    }
  }
}
