func rectify(_ x: UnsafePointer<Float>, count: Int, into y: UnsafeMutablePointer<Float>) {
  var i = 0
  while i < count {
    let value = load(x + i, count: count - i)
    // A number that is not one passes on, for the loss to show it.
    store(value.replacing(with: 0, where: value .< 0), y + i, count: count - i)
    i += 16
  }
}

func rectifierGradient(
  _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, count: Int,
  into dx: UnsafeMutablePointer<Float>
) {
  var i = 0
  while i < count {
    let isOpen = load(y + i, count: count - i) .> 0
    let gradient = load(dy + i, count: count - i)
    store(Vector().replacing(with: gradient, where: isOpen), dx + i, count: count - i)
    i += 16
  }
}
