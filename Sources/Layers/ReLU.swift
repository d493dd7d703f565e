public import Tensors
public import Threads

/// The rectifier: y = max(0, x), dx = dy where y > 0 and 0 elsewhere.
///
/// In place.
public final class ReLU: Layer {
  /// The layer's name.
  public let name: String
  /// The maps that the layer reads.
  public let inputs: [MapShape]
  /// As many maps as it reads.
  public var output: MapShape { inputs[0] }
  /// Yes: the gradient needs nothing but the output's sign.
  public var worksInPlace: Bool { true }

  private let team: ThreadTeam

  /// Makes a rectifier over maps of one shape.
  public init(name: String, input: MapShape, team: ThreadTeam) {
    self.name = name
    inputs = [input]
    self.team = team
  }

  /// Sets negative numbers to zero.
  public func forward(_ x: Tensor, _ share: Share, into y: Tensor, _ pass: Pass) {
    team.split(pass.images * output.count) { range, _ in
      let x = x.pointer + range.lowerBound
      let y = y.pointer + range.lowerBound
      // Written so that a number that is not one passes on, for the loss to show it.
      for i in 0..<range.count { y[i] = x[i] < 0 ? 0 : x[i] }
    }
  }

  /// Lets the gradient through where the output is positive.
  public func inputGradient(_ dy: Tensor, x: Tensor, _ share: Share, into dx: Tensor, _ pass: Pass)
  {
    team.split(pass.images * output.count) { range, _ in
      let y = x.pointer + range.lowerBound
      let dy = dy.pointer + range.lowerBound
      let dx = dx.pointer + range.lowerBound
      for i in 0..<range.count { dx[i] = y[i] > 0 ? dy[i] : 0 }
    }
  }
}
