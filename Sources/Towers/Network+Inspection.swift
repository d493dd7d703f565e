package import Layers
package import MPI
package import ModelParallel
package import Networks
package import Tensors

/// What a network is made of, what it has made, and what that has cost.
extension Network {
  /// The cross-connections between the towers of a replica, and those between the ranks over which
  /// fully-connected layers are spread, in the order of their layers.
  package var exchanges: [Exchange] {
    trunk.exchanges + (head?.section.exchanges ?? [])
  }

  /// What the process's towers learn, layer by layer.
  package var parameters: [Parameter] { trunk.parameters + (head?.section.parameters ?? []) }

  /// Those of them that change, with where their layers' towers are.
  var learningParameters: [(parameters: [Parameter], placement: Placement)] {
    [(trunk.learningParameters, placement)]
      + (head.map { [($0.section.learningParameters, $0.placement)] } ?? [])
  }

  /// Compares the weights that replicas, or groups of them, must hold alike; all ranks call it
  /// together.
  /// - Parameter step: The steps done, for the message.
  /// - Throws: `Failure` (ranksDisagree) that names the first tensor that differs, `MPIError` where
  ///   a message fails.
  package func compareReplicas(step: Int) throws {
    try ReplicaCheck(placement).compare(trunk.parameters, step: step)
    if let head {
      try ReplicaCheck(head.placement).compare(head.section.parameters, step: step)
    }
  }

  /// Those that this rank writes to a checkpoint: each tensor's kernels are written by one rank.
  package var savedParameters: [Parameter] {
    /// Those of each tensor that replicas hold alike: they write the tensors in turn.
    func saved(_ parameters: [Parameter], _ placement: Placement) -> [Parameter] {
      parameters.enumerated().filter { $0.offset % placement.replicas == placement.replica }
        .map(\.element)
    }
    return saved(trunk.parameters, placement)
      + (head.map { saved($0.section.parameters, $0.placement) } ?? [])
  }

  /// The logits of the pass that was done last: for each tower of this process, images x its
  /// classes.
  package var logits: [Tensor] { head?.section.outputs ?? trunk.outputs }

  /// What the layers of this process's first tower have computed so far, in their order.
  package var layerSeconds: [LayerSeconds] {
    (trunk.towers.first?.seconds ?? []) + (head?.section.towers.first?.seconds ?? [])
  }

  /// What has travelled so far, boundary by boundary, and how long this rank has waited for it.
  package var traffic: [Traffic] {
    var rows = trunk.traffic + (head?.section.traffic ?? [])
    rows.append(
      Traffic(name: BoundaryName.softmax, bytes: softmax.bytes, seconds: softmax.seconds))
    let reductions = [
      (BoundaryName.gradients, reduction), (BoundaryName.groupGradients, head?.reduction),
    ]
    for (name, reduction) in reductions {
      guard let reduction else { continue }
      rows.append(Traffic(name: name, bytes: reduction.bytes, seconds: reduction.seconds))
    }
    return rows
  }

  /// What a tower's layer made in the forward pass that was done last; nil where there is no such
  /// layer here.
  ///
  /// A backward pass keeps its gradients in the memory of an output that only a pool reads.
  ///
  /// Layers that are spread over a group's ranks are not here: see `outputs(of:)`.
  package func output(of layer: String, tower: Int) -> Tensor? {
    trunk.towers.first { $0.index == tower }?.layers.first { $0.layer.name == layer }?.output
  }

  /// What a tower of this rank, or its neurons of a layer that is spread over a group's ranks, made
  /// of some images.
  package struct Output {
    /// Images x maps.
    package let tensor: Tensor
    /// The maps of an image.
    package let shape: MapShape
    /// The images of the pass that was done last.
    package let images: Int
    /// The ranks that have the same maps of other images, this one included.
    package let peers: Communicator
  }

  /// What a layer made on this rank in the forward pass that was done last, whether it is a tower's
  /// or spread over the ranks of a group; a backward pass may use its memory.
  package func outputs(of layer: String) -> [Output] {
    var sections = [(trunk, placement, images)]
    if let head { sections.append((head.section, head.placement, head.exchange.batch)) }
    return sections.flatMap { section, placement, images in
      section.towers.compactMap { tower in
        tower.layers.first { $0.layer.name == layer }.map {
          Output(
            tensor: $0.output, shape: $0.layer.output, images: images, peers: placement.peers)
        }
      }
    }
  }
}
