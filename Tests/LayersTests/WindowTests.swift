import Layers
import Networks
import TestSupport
import Testing

@Suite struct WindowTests {
  @Test(arguments: [
    // AlexNet: the image, then the three pools.
    (224, Window(size: 11, stride: 4), 55),
    (55, Window(size: 3, stride: 2), 27), (27, Window(size: 3, stride: 2), 13),
    (13, Window(size: 3, stride: 2), 6),
    // Kernels of 5 and 3 with as much padding as keeps the size.
    (27, Window(size: 5, stride: 1, padding: 2), 27),
    (13, Window(size: 3, stride: 1, padding: 1), 13),
    // Caffe's 227 fits exactly; torchvision's padding of 2 under 224 rounds down.
    (227, Window(size: 11, stride: 4, rounding: .down), 55),
    (224, Window(size: 11, stride: 4, padding: 2, rounding: .down), 55),
    (224, Window(size: 11, stride: 4, rounding: .down), 54),
    // 1 + 3/2 is 2.5.
    (5, Window(size: 2, stride: 2), 3), (5, Window(size: 2, stride: 2, rounding: .down), 2),
    // A window over the whole map, and one that does not fit.
    (3, Window(size: 3, stride: 2), 1), (2, Window(size: 3, stride: 2), 0),
    // The third window would begin at pixel 4 of 4: it sees nothing and is not there.
    (4, Window(size: 1, stride: 2), 2), (6, Window(size: 1, stride: 4), 2),
  ])
  func positionsWorkedByHand(_ length: Int, _ window: Window, _ places: Int) {
    #expect(window.places(over: length) == places)
  }

  @Test func positionsAgreeWithCountingThem() {
    for length in 1...20 {
      for size in 1...6 {
        for stride in 1...5 {
          for padding in 0..<size {
            for rounding in [Window.Rounding.up, .down] {
              let window = Window(size: size, stride: stride, padding: padding, rounding: rounding)
              let counted = Reference.places(
                length: length, size: size, stride: stride, padding: padding,
                roundsUp: rounding == .up)
              #expect(window.places(over: length) == counted, "\(window) over \(length)")
            }
          }
        }
      }
    }
  }
}
