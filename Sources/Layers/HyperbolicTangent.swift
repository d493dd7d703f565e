import Glibc
public import Networks
public import System
public import Tensors

/// The saturating unit that the paper's figure 1 compares with: y = tanh x, dx = (1 - y^2) dy.
///
/// In place.
public final class HyperbolicTangent: Layer {
  /// The layer's name.
  public let name: String
  /// The maps that the layer reads.
  public let inputs: [MapShape]
  /// As many maps as it reads.
  public var output: MapShape { inputs[0] }
  /// Yes: the gradient needs nothing but the output.
  public var worksInPlace: Bool { true }

  private let team: ThreadTeam

  /// Makes the units over maps of one shape.
  public init(name: String, input: MapShape, team: ThreadTeam) {
    self.name = name
    inputs = [input]
    self.team = team
  }

  /// y = tanh x.
  public func forward(_ x: Tensor, _ share: Share, into y: Tensor, _ pass: Pass) {
    team.split(pass.images * output.count) { range, _ in
      for i in range { y.pointer[i] = tanhf(x.pointer[i]) }
    }
  }

  /// dx = (1 - y^2) dy.
  public func inputGradient(_ dy: Tensor, x: Tensor, _ share: Share, into dx: Tensor, _ pass: Pass)
  {
    team.split(pass.images * output.count) { range, _ in
      let y = x.pointer + range.lowerBound
      let dy = dy.pointer + range.lowerBound
      let dx = dx.pointer + range.lowerBound
      for i in 0..<range.count { dx[i] = (1 - y[i] * y[i]) * dy[i] }
    }
  }
}
