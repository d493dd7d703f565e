package import AlexNet
import Foundation
package import System

/// Why a network gives a class to a picture, drawn: the picture, what happens where parts of it are
/// hidden, and where the last convolution's maps speak for the class, together and tower by tower.
package struct ExplanationPicture {
  private let explanation: Explanation
  private let title: String
  private let classNames: [String]

  /// - Parameters:
  ///   - explanation: What is drawn.
  ///   - title: The picture's name.
  ///   - classNames: The names of the classes.
  package init(_ explanation: Explanation, title: String, classNames: [String]) {
    (self.explanation, self.title, self.classNames) = (explanation, title, classNames)
  }

  /// The side of a panel, and the space between two.
  private static let (side, gap) = (224.0, 14.0)

  /// A part of the drawing.
  private struct Panel {
    let heading: String
    let note: String
    let picture: SquarePicture
    var frame = ""
  }

  /// The drawing as a file.
  /// - Throws: `Failure` (internal) if a picture cannot be encoded.
  package func svgFile() throws(Failure) -> String {
    let (side, gap) = (Self.side, Self.gap)
    let panels = try panels()
    let step = side + gap
    var body = SVG.text(title, x: gap, y: 26, isBold: true, most: 90)
    body += SVG.text(sentence, x: gap, y: 46, colour: SVG.quiet, most: 150)
    for (number, panel) in panels.enumerated() {
      let x = gap + Double(number) * step
      body += SVG.text(panel.heading, x: x, y: 76, isBold: true, most: 34)
      body += try SVG.image(panel.picture, x: x, y: 84, side: side)
      body += panel.frame.isEmpty ? "" : "<g transform=\"translate(\(x) 84)\">\(panel.frame)</g>\n"
      body += SVG.text(panel.note, x: x, y: 84 + side + 18, colour: SVG.quiet, most: 38)
    }
    let y = 84 + side + 32
    body += bar(
      "falls", from: -1, x: gap + step, y, left: percent(-fallScale), right: percent(fallScale))
    body += SVG.text("rises (blue) or falls (orange)", x: gap + step, y: y + 44, colour: SVG.quiet)
    body += bar("cam", from: 0, x: gap + 2 * step, y, left: "0", right: plain(camScale))
    body += SVG.text("one scale for all maps", x: gap + 2 * step, y: y + 44, colour: SVG.quiet)
    return SVG.file(
      width: max(4, Double(panels.count)) * step + gap, height: y + 60,
      title: "Where the network looked: \(title)", body)
  }

  /// For a page: the crop, what happens where parts are hidden, and what speaks for the class.
  static func thumbnails(
    _ explanation: Explanation, side: Int
  ) throws(Failure) -> [(name: String, picture: SquarePicture)] {
    let picture = try explanation.crop.scaled(to: side)
    let maps = [
      ("parts hidden", explanation.occlusion.falls), ("Grad-CAM", explanation.gradCAM.whole),
    ]
    return [("what the network sees", picture)]
      + maps.map { ($0, HeatPainter.paint($1, scale: $1.peak, over: picture)) }
  }

  private var className: String { classNames[explanation.label] }
  private var probability: Double { explanation.prediction.probabilities[explanation.label] }

  private var sentence: String {
    let ahead = explanation.prediction.classesAhead(of: explanation.label)
    let best = explanation.prediction.best(1)[0]
    return "Why \(className)? \(share(probability)), "
      + (ahead == 0
        ? "the most probable class."
        : "behind \(ahead == 1 ? "one class" : "\(ahead) classes"); the most probable one is "
          + "\(classNames[best]), \(share(explanation.prediction.probabilities[best])).")
  }

  private var fallScale: Double { explanation.occlusion.falls.peak }
  private var camScale: Double {
    let cam = explanation.gradCAM
    return cam.towers.indices.reduce(cam.whole.peak) { max($0, cam.ofTower($1).peak) }
  }

  private func share(_ probability: Double) -> String {
    String(format: "%.2f %%", 100 * probability)
  }
  /// A fall as it changes the probability; a small one has digits too.
  private func percent(_ fall: Double) -> String {
    String(format: fall < 0 ? "+%.3g %%" : "−%.3g %%", 100 * abs(fall))
  }
  private func plain(_ value: Double) -> String { String(format: "%.3g", value) }

  private func panels() throws(Failure) -> [Panel] {
    let (occlusion, cam) = (explanation.occlusion, explanation.gradCAM)
    let picture = try explanation.crop.scaled(to: Int(Self.side))
    let lowest = occlusion.lowest
    let zoom = Self.side / Double(occlusion.side)
    let (top, left) = (
      occlusion.places[lowest / occlusion.places.count],
      occlusion.places[lowest % occlusion.places.count]
    )
    func frame(_ colour: String, _ width: String) -> String {
      "<rect x=\"\(SVG.number(Double(left) * zoom))\" y=\"\(SVG.number(Double(top) * zoom))\" "
        + "width=\"\(SVG.number(Double(occlusion.square) * zoom))\" height=\""
        + "\(SVG.number(Double(occlusion.square) * zoom))\" fill=\"none\" stroke=\"\(colour)\" "
        + "stroke-width=\"\(width)\"/>"
    }
    let pixels = "\(occlusion.square) of \(occlusion.side) pixels"
    var panels = [
      Panel(heading: "What the network sees", note: "", picture: picture),
      Panel(
        heading: "Parts hidden (\(pixels))",
        note: "\(share(occlusion.whole)) → \(share(occlusion.probabilities[lowest])) in the frame",
        picture: HeatPainter.paint(occlusion.falls, scale: fallScale, over: picture),
        frame: frame("#ffffff", "3") + frame("#24292f", "1")),
    ]
    func maps(_ heading: String, _ note: String, _ map: HeatMap) {
      panels.append(
        Panel(
          heading: heading, note: map.peak > 0 ? note : "nothing speaks for the class",
          picture: HeatPainter.paint(map, scale: camScale, over: picture)))
    }
    let size = "\(cam.towers[0].height) x \(cam.towers[0].width)"
    let all = cam.towers.count > 1 ? "all towers" : "all maps"
    maps("Grad-CAM at \(cam.layer)", "\(size), \(all)", cam.whole)
    if cam.towers.count > 1 {
      for tower in cam.towers.indices {
        maps("Tower \(tower)", "its maps alone", cam.ofTower(tower))
      }
    }
    return panels
  }

  /// A legend: the colours, and the numbers at their ends.
  private func bar(
    _ id: String, from least: Double, x: Double, _ y: Double, left: String, right: String
  ) -> String {
    "<defs><linearGradient id=\"\(id)\">\(HeatPainter.stops(from: least))</linearGradient></defs>\n"
      + "<rect x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" width=\"\(SVG.number(Self.side))\" "
      + "height=\"12\" fill=\"url(#\(id))\"/>\n"
      + SVG.text(left, x: x, y: y + 27)
      + (least < 0 ? SVG.text("0", x: x + Self.side / 2, y: y + 27, anchor: "middle") : "")
      + SVG.text(right, x: x + Self.side, y: y + 27, anchor: "end")
  }
}
