/// |a - b| / |b| in the Euclidean norm; |a| where b is zero, and infinite where a number is not one.
package func relativeError(
  _ a: some Sequence<some BinaryFloatingPoint>, _ b: some Sequence<some BinaryFloatingPoint>
) -> Double {
  var (difference, norm, count) = (0.0, 0.0, 0)
  var other = b.makeIterator()
  for x in a {
    guard let y = other.next() else { return .infinity }
    let delta = Double(x) - Double(y)
    difference += delta * delta
    norm += Double(y) * Double(y)
    count += 1
  }
  guard other.next() == nil, difference.isFinite, norm.isFinite else { return .infinity }
  return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
}

/// <a, b>, in Double: exact for small whole numbers.
package func dot(_ a: [Float], _ b: [Float]) -> Double {
  precondition(a.count == b.count, "Vectors of \(a.count) and \(b.count) elements differ.")
  return zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

/// The gradient of a loss by numbers that it depends on, by central differences.
///
/// - Parameters:
///   - values: Where the numbers stand; as before afterwards.
///   - step: How far a number is moved to either side.
///   - loss: The loss for the numbers that stand there.
/// - Returns: The derivative by each number.
package func finiteDifferences(
  _ values: UnsafeMutableBufferPointer<Float>, step: Float, _ loss: () -> Double
) -> [Double] {
  values.indices.map { i in
    let value = values[i]
    values[i] = value + step
    let (above, right) = (Double(values[i]), loss())
    values[i] = value - step
    let (below, left) = (Double(values[i]), loss())
    values[i] = value
    return (right - left) / (above - below)
  }
}
