import Kernels

/// Calls `body` for 0 to `count` - 1, up to nine numbers, each of which the compiler sees as a number.
@inline(__always)
func unrolled(_ count: Int, _ body: (Int) -> Void) {
  if count > 0 { body(0) }
  if count > 1 { body(1) }
  if count > 2 { body(2) }
  if count > 3 { body(3) }
  if count > 4 { body(4) }
  if count > 5 { body(5) }
  if count > 6 { body(6) }
  if count > 7 { body(7) }
  if count > 8 { body(8) }
}

/// Up to nine vectors; the loops over them are unrolled, so that each stays in a register.
struct Held {
  private let values: InlineArray<9, Vector>

  @inline(__always)
  init(_ count: Int, _ value: (Int) -> Vector) {
    var values = InlineArray<9, Vector>(repeating: Vector())
    unrolled(count) { values[$0] = value($0) }
    self.values = values
  }

  @inline(__always)
  subscript(_ number: Int) -> Vector { values[number] }
}
