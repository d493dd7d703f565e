package import Layers
package import MPI
package import Networks
package import Tensors

/// The stage between layers where towers read each other's feature maps, as in front of conv3.
///
///     forward,  all-gather:      y[r] = (x[t] for every tower t that r reads)
///     backward, reduce-scatter:  dx[t] = sum of dy[r][t] over the towers r that read t
///
/// x[t] are the maps of tower t, and dy[r][t] is the gradient by them that tower r found. Each is
/// the adjoint of the other, <y, dy> = <x, dx>: the towers compute different things with the same
/// maps, so backward their gradients add up. `TowerMessages` carries both; where all towers are in
/// one process nothing is copied, and `y[r]` are the tensors of the towers themselves.
package final class Exchange {
  /// The name of the layer that reads, `conv3`.
  package let name: String
  let messages: TowerMessages
  private let placement: Placement
  private let shapes: [MapShape]
  /// The towers that each tower reads, in ascending order.
  private let reads: [[Int]]
  private let progress: MessageProgress?

  /// All-gather: brings the maps `x` of this rank's towers to all towers that read them;
  /// `maps(of:)` has them then.
  ///
  /// `make` is called for the images of each part of the messages in turn and may make `x` for
  /// them: they are sent next. `meanwhile` is called while the last part travels.
  package func forward(
    _ x: [Tensor], _ pass: Pass, making make: (_ images: Range<Int>) -> Void = { _ in },
    meanwhile compute: () throws(MPIError) -> Void = {}
  ) throws(MPIError) {
    try messages.startGather(x, pass)
    for (part, images) in messages.parts.enumerated() {
      make(images)
      try messages.send(part)
      try progress?.step()
    }
    try compute()
    try messages.finishGather()
  }

  /// Reduce-scatter: brings every `contribution(of:to:)` to the owner of the maps and adds it to
  /// `dx`, in which each of this rank's towers has what it found for its own maps; `meanwhile` may
  /// still find that.
  package func backward(
    into dx: [Tensor], _ pass: Pass, meanwhile compute: () throws(MPIError) -> Void = {}
  ) throws(MPIError) {
    try messages.startReduceScatter(pass)
    try compute()
    try messages.finishReduceScatter(pass)
    for (dx, tower) in zip(dx, placement.owned) {
      for reader in reads.indices where reader != tower && reads[reader].contains(tower) {
        let (dy, sum) = (messages.contribution(of: reader, to: tower).pointer, dx.pointer)
        for i in 0..<(pass.images * shapes[tower].count) { sum[i] += dy[i] }
      }
    }
  }

  /// The maps of a tower; those of another rank's are here after `forward`.
  package func maps(of tower: Int) -> Tensor { messages.maps(of: tower) }

  /// Where one of this rank's towers (`reader`) writes the gradient that it found for another
  /// tower's maps, before `backward`.
  package func contribution(of reader: Int, to tower: Int) -> Tensor {
    messages.contribution(of: reader, to: tower)
  }

  // MARK: What each tower reads

  /// How a tower reads its own maps: first, since they need not travel.
  package func ownSlice(of tower: Int) -> InputSlice {
    let read = reads[tower]
    return InputSlice(
      index: read.firstIndex(of: tower) ?? 0, isFirst: true, isLast: read.count == 1)
  }

  /// The other towers that a tower reads, and how, in their order.
  package func otherSlices(of tower: Int) -> [(tower: Int, slice: InputSlice)] {
    let read = reads[tower]
    let others = read.indices.filter { read[$0] != tower }
    return others.map {
      (read[$0], InputSlice(index: $0, isFirst: false, isLast: $0 == others.last))
    }
  }

  // MARK: How it is made

  /// Makes the stage.
  /// - Parameters:
  ///   - name: The name of the layer that reads.
  ///   - shapes: The maps of each tower.
  ///   - reads: The towers that each tower reads, in ascending order and itself among them; nil for
  ///     all.
  ///   - placement: Where the towers are.
  ///   - batchSize: The largest number of images in a pass.
  ///   - tag: A number that no other exchange of the network has.
  ///   - parts: The parts that the maps are sent in, the same on all ranks.
  ///   - isTrained: Whether there is a backward direction.
  ///   - formats: How the numbers travel.
  ///   - progress: What keeps messages moving; nil for nothing.
  package init(
    name: String, shapes: [MapShape], reads: [[Int]]? = nil, placement: Placement, batchSize: Int,
    tag: Int, parts: Int = 1, isTrained: Bool, formats: WireFormats = WireFormats(),
    progress: MessageProgress? = nil
  ) {
    self.name = name
    self.placement = placement
    self.progress = progress
    self.shapes = shapes
    self.reads = reads ?? shapes.map { _ in Array(shapes.indices) }
    messages = TowerMessages(
      name: name, shapes: shapes, reads: self.reads, placement: placement, batchSize: batchSize,
      tag: tag, parts: parts, isTrained: isTrained, formats: formats, progress: progress)
  }

  // MARK: What has travelled

  /// Bytes that this rank has sent in the forward direction.
  package var forwardBytes: Int { messages.forwardBytes }
  /// Bytes that this rank has sent in the backward direction.
  package var backwardBytes: Int { messages.backwardBytes }
  /// The images of each part of the pass that is under way.
  package var parts: [Range<Int>] { messages.parts }
}
