import MPI
import Supervision
import TestSupport
import Testing

@Suite(.serialized) struct StepAgreementAcrossRanksTests {
  private let world = TestWorld.shared.all

  @Test func ranksAgreeOnTheMostUrgentRequestAndTheLeastTime() throws {
    let agreement = StepAgreement(world)
    var own = StepAgreement.News()
    #expect(try agreement.agree(on: own) == own, "nobody has news")
    let isLast = world.rank == world.size - 1
    own.request = isLast ? .saveAndLeave : .none
    own.secondsLeft = isLast ? 2.5 : .infinity
    own.isWriting = isLast
    own.nonFinite = isLast ? 4 : nil
    let all = try agreement.agree(on: own)
    #expect(all.request == .saveAndLeave)
    #expect(all.secondsLeft == 2.5)
    #expect(all.isWriting)
    #expect(all.nonFinite == 4)
  }

  @Test func ranksAgreeOnTheFirstNonFiniteParameter() throws {
    var own = StepAgreement.News()
    own.nonFinite = 3 + world.rank
    own.secondsLeft = -1.25 - Double(world.rank)
    let all = try StepAgreement(world).agree(on: own)
    #expect(all.nonFinite == 3)
    #expect(all.secondsLeft == -1.25 - Double(world.size - 1))
  }
}
