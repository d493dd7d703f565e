package import Layers
package import MPI
package import Networks
package import Tensors

/// The stage between convolutions, which each replica computes for its images of the batch, and
/// fully-connected layers, whose neurons are spread over all ranks of a group of replicas and see
/// the images of all of them (Krizhevsky, "One weird trick for parallelizing convolutional neural
/// networks", 2014).
///
///     forward,  all-gather:      y[t] = x[r][t] of the replicas r of the group, one below the other
///     backward, reduce-scatter:  dx[r][t] = sum of the rows of r in dy[p][t] over the ranks p of the group
///
/// x[r][t] are the maps of tower t of the images of replica r; dy[p][t] is the gradient by y[t]
/// that rank p found. Each is the adjoint of the other, <y, dy> = <x, dx>. Both go replica by
/// replica, so that some images are computed while others travel (`BatchMessages`): forward a rank
/// begins with its own replica and goes round from there; backward its own comes last, since nobody
/// waits for that.
package final class BatchExchange {
  /// Some images of the group, and some towers whose maps of them are read: their positions in
  /// `towers`.
  package typealias Reading = (_ images: Range<Int>, _ towers: Range<Int>) -> Void

  /// All towers in the order in which they are read: those of this rank, then those of the
  /// replica's other ranks.
  package let towers: [Int]
  let messages: BatchMessages
  private let ownTowers: Range<Int>
  private let otherTowers: Range<Int>

  /// All-gather: brings the maps `x` of this rank's towers and images to all ranks of the group.
  ///
  /// `read` is called for what has come to `maps(of:)`, until it has been called for everything.
  package func forward(_ x: [Tensor], _ pass: Pass, reading read: Reading) throws(MPIError) {
    try messages.agree(pass)
    try messages.startGather(x)
    for replicas in messages.replicasInTurn {
      for replica in replicas { try messages.relay(replica) }
      read(messages.rows(of: replicas), ownTowers)
      for replica in replicas { try messages.finishGather(of: replica) }
      read(messages.rows(of: replicas), otherTowers)
    }
    try messages.finishSending()
  }

  /// Reduce-scatter: sets `dx` to the sum of all ranks' contributions to the maps of this rank's
  /// towers and images.
  ///
  /// `find` is called for what `contribution(to:)` must hold next, `meanwhile` while the last of it
  /// travels.
  package func backward(
    into dx: [Tensor], finding find: Reading, meanwhile compute: () -> Void = {}
  ) throws(MPIError) {
    try messages.startReduceScatter()
    for replicas in messages.replicasInTurn.dropFirst() + messages.replicasInTurn.prefix(1) {
      find(messages.rows(of: replicas), otherTowers)
      for replica in replicas { try messages.sendContributions(ofReplica: replica) }
      find(messages.rows(of: replicas), ownTowers)
      for replica in replicas { try messages.sendSums(toReplica: replica) }
    }
    compute()
    try messages.finishReduceScatter(into: dx)
  }

  /// The maps of a tower, those of all images of the group.
  package func maps(of tower: Int) -> Tensor { messages.gathered[tower] }

  /// Where this rank writes the gradient that it found for a tower's maps, those of all images of
  /// the group.
  package func contribution(to tower: Int) -> Tensor { messages.contributions[tower] }

  /// The pass of all images of the group, once `forward` has begun.
  package func whole(_ pass: Pass) -> Pass {
    Pass(
      images: messages.batch, isTraining: pass.isTraining, step: pass.step,
      firstImage: messages.firstImage, batch: pass.batch, part: pass.part, parts: pass.parts)
  }

  /// The images of each replica in the pass that is under way, counted from the first replica's
  /// first.
  package var images: [Range<Int>] { messages.images }
  /// How many images all replicas have together.
  package var batch: Int { messages.batch }

  // MARK: How it is made

  /// Makes the stage.
  /// - Parameters:
  ///   - name: The name of the layer that reads.
  ///   - shapes: The maps of each tower.
  ///   - placement: Where the towers of the replicas are that come together.
  ///   - batchSize: The largest number of images of these replicas together.
  ///   - tag: A number; no other message of the replicas has it or a larger one.
  ///   - isTrained: Whether there is a backward direction.
  ///   - formats: How the numbers travel.
  ///   - progress: What keeps messages moving.
  package init(
    name: String, shapes: [MapShape], placement: Placement, batchSize: Int, tag: Int,
    isTrained: Bool, formats: WireFormats, progress: MessageProgress
  ) {
    let owned = placement.owned
    towers = owned + shapes.indices.filter { !owned.contains($0) }
    ownTowers = 0..<owned.count
    otherTowers = owned.count..<shapes.count
    messages = BatchMessages(
      name: name, shapes: shapes, placement: placement, batchSize: batchSize, tag: tag,
      isTrained: isTrained, formats: formats, progress: progress)
  }
}
