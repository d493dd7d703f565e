/// Up to sixteen floats; lanes beyond `count` are zero.
@inline(__always)
func load(_ pointer: UnsafePointer<Float>, count: Int) -> Vector {
  if count >= 16 { return load(pointer) }
  var value = Vector()
  for lane in 0..<count { value[lane] = pointer[lane] }
  return value
}

/// Stores the first `count` lanes, at most sixteen.
@inline(__always)
func store(_ value: Vector, _ pointer: UnsafeMutablePointer<Float>, count: Int) {
  if count >= 16 { return store(value, pointer) }
  for lane in 0..<count { pointer[lane] = value[lane] }
}
