import Foundation
import Testing
import Training

/// When a network counts as one that does not learn.
@Suite struct StallTests {
  private let ten = Chance(
    training: [Int](repeating: 30, count: 10), validation: [Int](repeating: 10, count: 10))

  /// By hand: the entropy of 3/4 and 1/4 is 0.75 ln(4/3) + 0.25 ln 4 = 0.5623; naming the class with
  /// 75 of 100 errs in 25 %, with a standard deviation of sqrt(0.75 x 0.25 / 100) = 4.330 %.
  @Test func chanceIsThatOfTheClassesAsTheyAre() {
    let chance = Chance(training: [300, 100], validation: [75, 25])
    #expect(abs(chance.loss - 0.562335) < 1e-6)
    #expect(abs(chance.error - (25 - 2 * 4.330127)) < 1e-5)
    #expect(chance.holds(error: 25) && chance.holds(error: 17) && !chance.holds(error: 16))
    #expect(abs(ten.loss - log(10)) < 1e-12 && abs(ten.error - 84) < 1e-9)
    #expect(chance.holds(loss: 0.56) && !chance.holds(loss: 0.54))
  }

  /// Targets of 0.9 + 0.05 and 0.05: the best answer to all of two equal classes is ln 2 still, the
  /// right answer to each leaves 0.1985.
  @Test func smoothedTargetsLeaveALossThatNothingUndercuts() {
    let chance = Chance(training: [5, 5], validation: [5, 5], smoothing: 0.1)
    #expect(abs(chance.loss - log(2)) < 1e-12)
    #expect(chance.holds(loss: 0.69) && !chance.holds(loss: 0.67) && !chance.holds(loss: 0.2))
    // Of 3/4 and 1/4: 0.9 x 0.75 + 0.05 = 0.725 and 0.275.
    let uneven = Chance(training: [300, 100], validation: [75, 25], smoothing: 0.1)
    #expect(abs(uneven.loss - 0.588_169) < 1e-6)
  }

  @Test func oneClassIsNeverAtChance() {
    let one = Chance(training: [5], validation: [5])
    #expect(!one.holds(loss: 0) && !one.holds(error: 0))
  }

  @Test func aFiniteLossMayBeAnExplosion() {
    #expect(ten.isExploded(loss: 1e15) && !ten.isExploded(loss: 2300))
  }

  @Test func luckyBatchesDoNotEndAStallAndLearningDoes() {
    var stall = Stall()
    for step in 1...40 { stall.note(loss: step % 4 == 0 ? 2.1 : 2.3, ten) }
    // Of four steps three count, and the lucky one takes two back.
    #expect(stall.steps == 10)
    #expect(stall.sentence(after: 10, ten) != nil && stall.sentence(after: 11, ten) == nil)
    for _ in 1...5 { stall.note(loss: 1.5, ten) }
    #expect(stall.steps == 0)
  }

  @Test func aLayerDeadAtTwoLooksInARowIsNamed() throws {
    var stall = Stall()
    let dead = [HealthWatchTests.layer(), HealthWatchTests.layer(dead: 1)]
    stall.note(dead, step: 100)
    stall.note([HealthWatchTests.layer(dead: 0.99)], step: 200)
    stall.note(dead, step: 300)
    #expect(stall.sentence(after: 1000, ten) == nil)
    stall.note(dead, step: 400)
    let sentence = try #require(stall.sentence(after: 1000, ten))
    #expect(sentence.contains("all kernels of 'conv3'"), "\(sentence)")
  }

  /// Where nothing is learnt, a smaller rate is no remedy.
  @Test func noPlateauCutsTheRateAtChance() {
    let plateau = LearningRateSchedule.plateau(
      divisor: 10, reductions: 1, patience: 2, threshold: 0.1)
    var state = ScheduleState()
    let cuts = (1...9).map { _ in state.note(error: 90, plateau, isAtChance: true) }
    #expect(!cuts.contains(true))
    #expect(state.reductions == 0 && !state.isFinished)
    let falls = [50, 50, 50].map { state.note(error: $0, plateau) }
    #expect(falls == [false, false, true])
  }
}
