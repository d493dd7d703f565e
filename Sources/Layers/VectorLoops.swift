import System

/// y[i] += x[i].
@inline(__always)
func add(_ x: UnsafePointer<Float>, count: Int, to y: UnsafeMutablePointer<Float>) {
  for i in 0..<count { y[i] += x[i] }
}

/// Adds one row to each of `rows` contiguous rows.
func addRow(
  _ row: UnsafePointer<Float>, count: Int, toRows rows: Int, of y: UnsafeMutablePointer<Float>
) {
  for r in 0..<rows { add(row, count: count, to: y + r * count) }
}

/// sum[i] += the sum over `rows` contiguous rows of their i-th number.
///
/// Summed in runs of 64 rows first: a running total of a million terms would lose its last digits.
func addRows(
  _ x: UnsafePointer<Float>, count: Int, rows: Int, to sum: UnsafeMutablePointer<Float>
) {
  withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { buffer in
    let run = buffer.start
    var row = 0
    while row < rows {
      let end = min(rows, row + 64)
      run.update(from: x + row * count, count: count)
      for r in (row + 1)..<max(row + 1, end) { add(x + r * count, count: count, to: run) }
      add(run, count: count, to: sum)
      row = end
    }
  }
}

/// Eight floats from memory that need not be aligned.
@inline(__always)
func load8(_ x: UnsafePointer<Float>) -> SIMD8<Float> {
  UnsafeRawPointer(x).loadUnaligned(as: SIMD8<Float>.self)
}
