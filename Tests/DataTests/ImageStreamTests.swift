import Data
import Testing

@Suite("The stream of pictures")
struct ImageStreamTests {
  @Test("each epoch has each picture once, in a new order", arguments: [1, 2, 7, 1000])
  func epochs(count: Int) {
    var stream = ImageStream(count: count, order: .shuffled, seed: 3)
    var orders: [[Int]] = []
    for epoch in 0..<3 {
      let places = (0..<count).map { stream.place(epoch * count + $0) }
      #expect(places.allSatisfy { $0.epoch == epoch })
      orders.append(places.map(\.index))
      #expect(orders[epoch].sorted() == Array(0..<count))
    }
    if count >= 7 { #expect(orders[0] != orders[1] && orders[1] != orders[2]) }
  }

  @Test("a picture depends only on its position in the stream")
  func random() {
    var forward = ImageStream(count: 50, order: .shuffled, seed: 9)
    let expected = (0..<200).map { forward.place($0).index }
    var backward = ImageStream(count: 50, order: .shuffled, seed: 9)
    for position in (0..<200).reversed() {
      #expect(backward.place(position).index == expected[position])
    }
    var other = ImageStream(count: 50, order: .shuffled, seed: 10)
    #expect((0..<200).map { other.place($0).index } != expected)
  }

  @Test("a sequential stream has the order on disk")
  func inOrder() {
    var stream = ImageStream(count: 5, order: .inOrder, seed: 1)
    #expect((0..<10).map { stream.place($0).index } == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
    #expect(stream.place(9).epoch == 1)
  }
}
