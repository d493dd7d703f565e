package import Tensors

extension Tensor {
  /// A tensor with these values first and the filler after them.
  package convenience init(_ shape: [Int], values: [Float], then filler: Float = 0) {
    self.init(shape)
    precondition(values.count <= count, "The tensor has less room than there are values.")
    fill(filler)
    set(values)
  }

  /// Replaces the first elements.
  package func set(_ values: [Float]) {
    for (i, value) in values.enumerated() { pointer[i] = value }
  }

  /// The first elements, all of them by default.
  package func values(_ count: Int? = nil) -> [Float] { Array(elements[..<(count ?? self.count)]) }
}
