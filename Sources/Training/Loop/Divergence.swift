import Layers
package import MPI
import ModelParallel
import Networks
import System
import Tensors
package import Towers

/// Where numbers stopped being finite, in words that are the same on every rank.
package struct Divergence {
  private let network: Network
  private let world: Communicator

  package init(_ network: Network, _ world: Communicator) {
    self.network = network
    self.world = world
  }

  /// The names of the parameters, in an order that all ranks share.
  private var names: [String] {
    var seen: Set<String> = []
    return network.parameters.map(\.name).filter { seen.insert($0).inserted }
  }

  /// The number of a parameter among all names, for a place in the network's list.
  package func number(ofParameter place: Int?) -> Int? {
    place.flatMap { names.firstIndex(of: network.parameters[$0].name) }
  }

  /// Says which parameter has numbers that are not finite.
  package func sentence(parameter number: Int, step: Int) -> String {
    let name = names.indices.contains(number) ? names[number] : "?"
    return "'\(name)' is no longer finite after the update of step \(step)"
  }

  /// Says which loss is not finite, and the first layer whose maps are not; all ranks call it together.
  package func sentence(loss: Double, _ which: String) throws(MPIError) -> String {
    let layers = network.specification.layers
    var first = layers.count
    for (number, layer) in layers.enumerated().reversed() {
      for output in network.outputs(of: layer.name) {
        let numbers = output.images * output.shape.count
        if (0..<numbers).contains(where: { !output.tensor.pointer[$0].isFinite }) { first = number }
      }
    }
    let number = Int(try world.allReduce(Int64(first), .min))
    let place =
      number < layers.count ? ": the maps of layer '\(layers[number].name)' are not finite" : ""
    return "The \(which) is \(plain(loss))\(place)"
  }
}
