import Experiments
import Testing

@Suite struct TrainingCurveTests {
  /// 469 batches of 128 are 1.0005 epochs of 60,000 images: the last batch lies beyond the epoch.
  @Test func aBatchBeyondTheLastEpochIsNoPartOfItsOwn() {
    let steps = (1...469).map { step in
      (epoch: Double(step) * 128 / 60_000, error: step == 469 ? 90.0 : 10)
    }
    let curve = TrainingCurve.errors(steps, partsOfAnEpoch: 4)
    #expect(curve.count == 4)
    // The last part has steps 352 to 469: 117 of 10 and one of 90.
    #expect(abs(curve[3][1] - (117 * 10 + 90) / 118.0) < 1e-9)
    #expect(abs(curve[0][0] - 59 * 128 / 60_000.0) < 1e-9 && curve[0][1] == 10)
  }

  @Test func aRunThatWasCutShortKeepsItsLastPart() {
    let steps = (1...15).map { (epoch: Double($0) / 40, error: Double($0 > 10 ? 4 : 8)) }
    #expect(TrainingCurve.errors(steps, partsOfAnEpoch: 4).map { $0[1] } == [8, 4])
  }
}
