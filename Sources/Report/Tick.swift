import Foundation

/// A round length of which some five to ten make the whole.
func tick(_ whole: Double) -> Double {
  let power = pow(10, log10(max(whole, 1e-300)).rounded(.down))
  return [0.1, 0.2, 0.5, 1].map { $0 * power }.first { whole / $0 <= 10 } ?? power
}
