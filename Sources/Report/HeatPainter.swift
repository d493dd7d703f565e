import AlexNet
import System

/// Paints numbers over a picture in grey: orange where they are above 0, blue below.
///
/// The larger they are the less of the grey is seen. Orange and blue differ for every kind of
/// colour blindness.
enum HeatPainter {
  private static let (warm, cool) = ([235.0, 100, 0], [20.0, 90, 220])
  /// How much of the grey is covered where a number is the largest.
  private static let most = 0.85

  /// The colour of a number from -1 to 1 over a grey.
  private static func colour(_ value: Double, over grey: Double) -> [UInt8] {
    let share = most * min(1, abs(value))
    return (value < 0 ? cool : warm).map { UInt8((grey + share * ($0 - grey)).rounded()) }
  }

  /// Paints a map over a picture; `scale` is the number with the full colour.
  static func paint(_ map: HeatMap, scale: Double, over picture: SquarePicture) -> SquarePicture {
    let values = map.stretched(over: picture.side)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(picture.pixels.count)
    for (place, value) in values.enumerated() {
      let (red, green, blue) = (
        Double(picture.pixels[3 * place]), Double(picture.pixels[3 * place + 1]),
        Double(picture.pixels[3 * place + 2])
      )
      // Rec. 601, moved towards the middle: colours must show on black and white too.
      let grey = 40 + 0.7 * (0.299 * red + 0.587 * green + 0.114 * blue)
      pixels += colour(scale > 0 ? value / scale : 0, over: grey)
    }
    return SquarePicture(square: pixels, side: picture.side)
  }

  /// The colours from -1, or from 0, to 1 as the stops of a gradient, over a middle grey.
  static func stops(from least: Double) -> String {
    (0...8).map { step in
      let value = least + (1 - least) * Double(step) / 8
      let colour = colour(value, over: 130).map(String.init).joined(separator: ",")
      return "<stop offset=\"\(Double(step) / 8)\" stop-color=\"rgb(\(colour))\"/>"
    }.joined()
  }
}
