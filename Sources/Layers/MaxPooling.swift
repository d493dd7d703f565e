public import Tensors
public import Threads

/// The largest number of each window of a map; windows overlap where the stride is less than the size.
///
/// y[p,q,c] = max of x[r,s,c] over the window at (p, q), and the gradient goes to the first pixel that
/// reached it. What lies beyond the map's edge does not count.
public final class MaxPooling: Layer {
  /// The layer's name.
  public let name: String
  /// The maps that the layer reads.
  public let inputs: [MapShape]
  /// Places x places x maps.
  public let output: MapShape

  private let window: Window
  private let team: ThreadTeam
  /// For each output, which pixel of its window was the largest.
  private let winner: UnsafeMutableBufferPointer<UInt8>

  /// Makes the layer; a window of at most 15 x 15 pixels.
  public init(name: String, input: MapShape, window: Window, batchSize: Int, team: ThreadTeam) {
    precondition(window.size * window.size <= 255, "The window's pixels are numbered in a byte.")
    self.name = name
    inputs = [input]
    self.window = window
    self.team = team
    output = MapShape(
      height: window.places(over: input.height), width: window.places(over: input.width),
      maps: input.maps)
    winner = .allocate(capacity: batchSize * output.count)
    winner.initialize(repeating: 0)
  }

  deinit { winner.deallocate() }

  /// The largest numbers.
  public func forward(_ x: Tensor, _ share: Share, into y: Tensor, _ pass: Pass) {
    forEachPlace(pass) { place, window in
      let (y, winner) = (y.pointer + place, winner.baseAddress.unsafelyUnwrapped + place)
      var map = 0
      while map + 8 <= output.maps {
        var (best, number) = (SIMD8<Float>(), SIMD8<Int32>())
        window { source, index, isFirst in
          let value = load8(x.pointer + source + map)
          if isFirst {
            (best, number) = (value, SIMD8(repeating: Int32(index)))
          } else {
            let larger = value .> best
            best.replace(with: value, where: larger)
            number.replace(with: Int32(index), where: larger)
          }
        }
        store8(best, y + map)
        UnsafeMutableRawPointer(winner + map).storeBytes(
          of: SIMD8<UInt8>(truncatingIfNeeded: number), as: SIMD8<UInt8>.self)
        map += 8
      }
      while map < output.maps {
        window { source, index, isFirst in
          let value = x.pointer[source + map]
          if isFirst || value > y[map] { (y[map], winner[map]) = (value, index) }
        }
        map += 1
      }
    }
  }

  /// Adds each gradient to the pixel that won.
  public func inputGradient(_ dy: Tensor, x: Tensor, _ share: Share, into dx: Tensor, _ pass: Pass)
  {
    team.split(pass.images) { images, _ in
      (dx.pointer + images.lowerBound * inputs[0].count)
        .update(repeating: 0, count: images.count * inputs[0].count)
    }
    forEachPlace(pass) { place, window in
      let (dy, winner) = (dy.pointer + place, winner.baseAddress.unsafelyUnwrapped + place)
      window { target, index, _ in
        let dx = dx.pointer + target
        for map in 0..<output.maps { dx[map] += winner[map] == index ? dy[map] : 0 }
      }
    }
  }

  /// Calls `body` for each output pixel with the place of its first map and a loop over the window's pixels.
  @inline(__always)
  private func forEachPlace(
    _ pass: Pass,
    _ body: (
      _ place: Int,
      _ window: (_ visit: (_ input: Int, _ index: UInt8, _ isFirst: Bool) -> Void) -> Void
    ) -> Void
  ) {
    let input = inputs[0]
    team.split(pass.images) { images, _ in
      for image in images {
        for row in 0..<output.height {
          let rows = window.covered(at: row, of: input.height)
          for column in 0..<output.width {
            let columns = window.covered(at: column, of: input.width)
            let place = ((image * output.height + row) * output.width + column) * output.maps
            body(place) { visit in
              var index: UInt8 = 0
              for y in rows {
                for x in columns {
                  visit(
                    ((image * input.height + y) * input.width + x) * input.maps, index, index == 0)
                  index += 1
                }
              }
            }
          }
        }
      }
    }
  }
}
