import Foundation
import Report
import Testing

/// The colours of curves, as colour-blind eyes see them.
@Suite struct ColourTests {
  private typealias Triple = SIMD3<Double>

  /// What remains of linear RGB without the cones for long, middle or short waves: Machado,
  /// Oliveira and Fernandes 2009, severity 1.
  private static let eyes: [(name: String, rows: [Triple])] = [
    ("all cones", [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    (
      "protanopia",
      [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
      ]
    ),
    (
      "deuteranopia",
      [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
      ]
    ),
    (
      "tritanopia",
      [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
      ]
    ),
  ]

  private func product(_ rows: [Triple], _ colour: Triple) -> Triple {
    let sums = rows.map { ($0 * colour).sum() }
    return Triple(sums[0], sums[1], sums[2])
  }

  private func linear(_ hex: Substring) -> Triple {
    let number = Int(hex, radix: 16) ?? 0
    let parts = [16, 8, 0].map { shift -> Double in
      let part = Double(number >> shift & 255) / 255
      return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
    }
    return Triple(parts[0], parts[1], parts[2])
  }

  /// CIELAB, in which equal distances look about equally large; white is D65.
  private func lab(_ colour: Triple) -> Triple {
    let bounded = colour.clamped(lowerBound: Triple(repeating: 0), upperBound: Triple(repeating: 1))
    let xyz = product(
      [
        [0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
      ], bounded)
    func f(_ part: Double) -> Double {
      part > 216.0 / 24389 ? cbrt(part) : (24389.0 / 27 * part + 16) / 116
    }
    let (x, y, z) = (f(xyz.x / 0.95047), f(xyz.y), f(xyz.z / 1.08883))
    return Triple(116 * y - 16, 500 * (x - y), 200 * (y - z))
  }

  private func colours(_ theme: Int) -> [Triple] {
    let text = HTML.colours.components(separatedBy: "prefers-color-scheme")[theme]
    return (0..<Chart.colours).compactMap { number in
      text.firstRange(of: "--c\(number):#").map {
        linear(text[$0.upperBound...].prefix { $0 != ";" })
      }
    }
  }

  /// A distance of 2.3 is just noticeable; the six colours before came as near as 5.4 to each
  /// other.
  @Test(arguments: [0, 1]) func everyTwoColoursDifferForEveryEye(_ theme: Int) throws {
    let colours = colours(theme)
    #expect(colours.count == 8)
    for (name, rows) in Self.eyes {
      let seen = colours.map { lab(product(rows, $0)) }
      for (i, one) in seen.enumerated() {
        for (j, other) in seen.enumerated().dropFirst(i + 1) {
          let distance = ((one - other) * (one - other)).sum().squareRoot()
          #expect(distance > 25, "c\(i) and c\(j), \(name), theme \(theme)")
        }
      }
    }
  }

  /// A curve must be seen on its card: WCAG's contrast of graphics is 3, and lines of two pixels
  /// with names beside them may have a little less.
  @Test(arguments: [(0, "ffffff"), (1, "1e2328")])
  func coloursStandOutFromTheCard(_ theme: Int, _ card: String) {
    func light(_ colour: Triple) -> Double {
      0.2126 * colour.x + 0.7152 * colour.y + 0.0722 * colour.z
    }
    let ground = light(linear(card[...]))
    for (number, colour) in colours(theme).enumerated() {
      let own = light(colour)
      let contrast = (max(own, ground) + 0.05) / (min(own, ground) + 0.05)
      #expect(contrast > 2.1, "c\(number)")
    }
  }
}
