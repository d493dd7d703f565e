/// The vectors that kernels compute with: sixteen maps side by side.
typealias Vector = SIMD16<Float>

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

@inline(__always)
func store(_ value: Vector, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: Vector.self)
}

/// a + b c, rounded once where every processor of the kind can, and twice where that would be a
/// function call.
@inline(__always)
func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
  #if BASELINE_KERNELS && !arch(arm64)
    a + b * c
  #else
    a.addingProduct(b, c)
  #endif
}

/// a + b c for one number b.
@inline(__always)
func multiplyAdd(_ a: Vector, _ b: Float, _ c: Vector) -> Vector {
  multiplyAdd(a, Vector(repeating: b), c)
}

/// The size of a Winograd tile as the compiler sees it: its points are 0 (if `hasZero`), `pairs`
/// pairs +-a, and infinity.
protocol TileSize {
  static var hasZero: Bool { get }
  static var pairs: Int { get }
}

extension TileSize {
  /// Numbers along each axis of a tile.
  @inline(__always)
  static var size: Int { (hasZero ? 1 : 0) + 2 * pairs + 1 }
  /// The first number of a pair.
  @inline(__always)
  static func plus(_ pair: Int) -> Int { (hasZero ? 1 : 0) + 2 * pair }
  @inline(__always)
  static var infinity: Int { size - 1 }
}

/// 0, +-1, +-2, infinity.
enum Tile6: TileSize {
  @inline(__always) static var hasZero: Bool { true }
  @inline(__always) static var pairs: Int { 2 }
}

/// +-1, +-2, +-1/2, infinity.
enum Tile7: TileSize {
  @inline(__always) static var hasZero: Bool { false }
  @inline(__always) static var pairs: Int { 3 }
}

/// 0, +-1, +-2, +-1/2, infinity.
enum Tile8: TileSize {
  @inline(__always) static var hasZero: Bool { true }
  @inline(__always) static var pairs: Int { 3 }
}

/// +-1/4, +-5/8, +-5/4, +-2, infinity.
enum Tile9: TileSize {
  @inline(__always) static var hasZero: Bool { false }
  @inline(__always) static var pairs: Int { 4 }
}
