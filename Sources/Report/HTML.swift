import Foundation
import System

/// Pieces of a page.
package enum HTML {
  /// A text escaped for use in an element or in an attribute in double quotes.
  static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    // Without control characters: class names may come from anywhere, and a page may be shown on a
    // terminal. By Unicode scalars, since a quote followed by an accent is a different Character.
    for letter in System.escaped(text).unicodeScalars {
      switch letter {
      case "&": result += "&amp;".unicodeScalars
      case "<": result += "&lt;".unicodeScalars
      case ">": result += "&gt;".unicodeScalars
      case "\"": result += "&quot;".unicodeScalars
      case "'": result += "&#39;".unicodeScalars
      default: result.append(letter)
      }
    }
    return String(result)
  }

  /// A name, escaped, that a narrow column breaks behind a dot or another sign between words, and
  /// before a capital letter: `recipe.learningRate`.
  package static func breakable(_ name: String) -> String {
    var result = ""
    var piece = ""
    for letter in name {
      let startsWord = letter.isUppercase && piece.last?.isLowercase == true
      if startsWord || piece.last.map({ "._-/".contains($0) }) == true && !"._-/".contains(letter) {
        result += escaped(piece) + "<wbr>"
        piece = ""
      }
      piece.append(letter)
    }
    return result + escaped(piece)
  }

  /// Bytes as a data URL.
  static func dataAddress(_ bytes: [UInt8], type: String = "image/png") -> String {
    "data:\(type);base64," + Data(bytes).base64EncodedString()
  }

  /// A picture embedded in the page.
  static func image(
    _ bytes: [UInt8], type: String = "image/png", alt: String, name: String, width: Int
  ) -> String {
    "<img class=\"\(name)\" width=\"\(width)\" alt=\"\(escaped(alt))\" "
      + "src=\"\(dataAddress(bytes, type: type))\">"
  }

  /// A section with a heading; empty if there is no content.
  static func section(_ title: String, _ note: String = "", _ content: String) -> String {
    guard !content.isEmpty else { return "" }
    let note = note.isEmpty ? "" : "<p class=\"note\">\(note)</p>"
    return "<section><h2>\(escaped(title))</h2>\(note)\n\(content)\n</section>\n"
  }

  /// A table in an element of its own that scrolls.
  /// - Parameters:
  ///   - heading: The cells of the first row.
  ///   - rows: The other rows, as HTML.
  ///   - numbers: The columns that hold numbers.
  ///   - name: The table's class in the style sheet.
  ///   - stacks: Whether a narrow page shows the cells of a row one below the other, each with its
  ///     column's heading; for wide cells.
  /// - Returns: The table in an element that scrolls.
  package static func table(
    _ heading: [String], _ rows: [[String]], numbers: Set<Int> = [], name: String = "",
    stacks: Bool = false
  ) -> String {
    func row(_ cells: [String], _ tag: String) -> String {
      "<tr>"
        + cells.enumerated().map { number, cell in
          let kind = numbers.contains(number) ? " class=\"number\"" : ""
          let column =
            stacks && tag == "td" && number > 0 && number < heading.count
            ? " data-column=\"\(escaped(heading[number]))\"" : ""
          return "<\(tag)\(kind)\(column)>\(cell)</\(tag)>"
        }.joined() + "</tr>\n"
    }
    return
      "<div class=\"scroll\"><table "
      + "class=\"\(name)\(stacks ? " stacks" : "")\"><thead>"
      + "\(row(heading.map { breakable($0).replacing(" %", with: "&nbsp;%") }, "th"))</thead><tbody>"
      + rows.map { row($0, "td") }.joined() + "</tbody></table></div>"
  }

  static func page(title: String, _ body: String, script: String? = nil) -> String {
    """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <link rel="icon" href="data:,">
    <title>\(escaped(title))</title>
    <style>
    \(style)
    </style></head><body>
    <main>
    \(body)
    </main>\(script.map { "<script>\($0)</script>" } ?? "")</body></html>

    """
  }

  /// The values of the colour variables in the light and dark theme.
  package static let colours = """
    :root { --page:#f7f7f5; --card:#fff; --ink:#24292f; --quiet:#5c6670; --line:#d9dde2; --grid:#e8eaed;
      --mark:#8a6d00; --bar:#9db9dc; --true:#3f9a5f; --hot:34,102,180; --shade:#0000004d;
      --c0:#2266b4; --c1:#c8511b; --c2:#66bbcc; --c3:#7700ee; --c4:#dd9977; --c5:#660055; --c6:#886666; --c7:#333311;
      --f0:#c1d4ea; --f1:#f0cebf; --f2:#d4ecf1; --f3:#d9b8fa; --f4:#f5e2d9; --f5:#d4b8cf; --f6:#ded4d4; --f7:#c6c6bc; }
    @media (prefers-color-scheme: dark) { :root { --page:#15181c; --card:#1e2328; --ink:#e3e6ea; --quiet:#9aa4af;
      --line:#363d45; --grid:#2c3239; --mark:#d9b84a; --bar:#3d5f8a; --true:#3f8f5c; --hot:92,160,240; --shade:#ffffff59;
      --c0:#6aa9f0; --c1:#f0894f; --c2:#44ffaa; --c3:#8811ff; --c4:#ffdd00; --c5:#ddeeff; --c6:#776655; --c7:#446688;
      --f0:#405f82; --f1:#7c513a; --f2:#2f8662; --f3:#4e1b89; --f4:#837716; --f5:#747e89; --f6:#46413c; --f7:#2f4153; } }
    """

  private static let style =
    colours + """

      * { box-sizing:border-box; }
      body { margin:0; background:var(--page); color:var(--ink); font:16px/1.45 system-ui,sans-serif; }
      main { max-width:1240px; margin:0 auto; padding:16px; }
      h1 { font-size:1.5rem; margin:.2em 0; overflow-wrap:anywhere; }
      h2 { font-size:1.15rem; margin:0 0 .5em; }
      h3 { font-size:1rem; margin:.6em 0 .3em; overflow-wrap:anywhere; }
      .note, .lead { color:var(--quiet); margin:.2em 0 .8em; overflow-wrap:anywhere; }
      .living b { font-weight:600; font-variant-numeric:tabular-nums; }
      .living span { display:none; } .lost .living span { display:inline; color:var(--c1); }
      section { background:var(--card); border:1px solid var(--line); border-radius:8px; padding:14px; margin:14px 0; }
      .charts { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr)); gap:14px; }
      figure { margin:0; min-width:0; }
      figcaption { color:var(--quiet); font-size:.9rem; overflow-wrap:anywhere; }
      .legend { list-style:none; margin:0 0 4px; padding:0; display:flex; flex-wrap:wrap; gap:1px 16px; font-size:.85rem; }
      .legend li { display:flex; align-items:center; gap:6px; min-width:0; overflow-wrap:anywhere; }
      .legend i { flex:none; width:18px; height:8px; background:linear-gradient(currentColor,currentColor) 0/100% 2px no-repeat; }
      .legend .both { background:radial-gradient(circle 4px,currentColor 3px,#0000 3.5px),
        linear-gradient(currentColor,currentColor) 0/100% 2px no-repeat; }
      .legend .point { background:radial-gradient(circle 4px,currentColor 3px,#0000 3.5px); }
      svg.chart { width:100%; height:auto; display:block; color:var(--ink); }
      .axis { position:absolute; opacity:0; pointer-events:none; }
      .axis + label { display:inline-block; padding:3px 12px; margin:0 4px 10px 0; border:1px solid var(--line);
        border-radius:14px; cursor:pointer; color:var(--quiet); }
      .axis:checked + label { color:var(--ink); border-color:var(--c0); }
      .axis:focus-visible + label { outline:2px solid var(--c0); }
      .byHours { display:none; }
      #axisHours:checked ~ .byHours { display:grid; }
      #axisHours:checked ~ .byEpochs { display:none; }
      /* A shadow at an edge behind which there is more: it stays, and its cover scrolls away with the table. */
      .scroll { overflow-x:auto; max-width:100%; background:
        linear-gradient(to right,var(--card) 40%,#0000) 0/36px 100% no-repeat local,
        linear-gradient(to left,var(--card) 40%,#0000) 100%/36px 100% no-repeat local,
        linear-gradient(to right,var(--shade),#0000) 0/14px 100% no-repeat scroll,
        linear-gradient(to left,var(--shade),#0000) 100%/14px 100% no-repeat scroll; }
      .wide { min-width:900px; }
      table { border-collapse:collapse; font-size:.92rem; }
      th, td { text-align:left; padding:3px 10px 3px 0; border-bottom:1px solid var(--line); vertical-align:top; }
      .settings td { overflow-wrap:anywhere; min-width:9em; }
      .settings td:first-child { overflow-wrap:normal; }
      .number { text-align:right; font-variant-numeric:tabular-nums; }
      td.number { white-space:nowrap; }
      @media (max-width:560px) {
        .charts svg.chart text { font-size:17px; }
        table { font-size:.8rem; } th, td { padding-right:6px; }
        .settings td { min-width:7em; }
        .scroll th:first-child, .scroll td:first-child { position:sticky; left:0; background:var(--card); }
        .stacks, .stacks tbody, .stacks tr { display:block; } .stacks thead { display:none; }
        .stacks tr { padding:6px 0; border-bottom:1px solid var(--line); }
        .stacks td { display:grid; grid-template-columns:2fr 3fr; gap:10px; padding:1px 0; border:0; min-width:0; }
        .scroll .stacks td:first-child { display:block; position:static; font-weight:600; }
        .stacks td[data-column]::before { content:attr(data-column); color:var(--quiet); }
      }
      .facts { display:flex; flex-wrap:wrap; gap:10px 26px; margin:10px 0; }
      .facts b { display:block; font-size:1.25rem; font-variant-numeric:tabular-nums; }
      .facts span { color:var(--quiet); font-size:.9rem; }
      img { max-width:100%; height:auto; image-rendering:auto; }
      .kernels { image-rendering:pixelated; border-radius:4px; }
      .samples { display:grid; grid-template-columns:repeat(auto-fill,minmax(min(100%,215px),1fr)); gap:14px; }
      @media (max-width:560px) { .samples { grid-template-columns:1fr 1fr; gap:10px; } .bar { font-size:.75rem; } }
      .sample img { width:100%; border-radius:4px; display:block; }
      .mistakes { display:grid; grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr)); gap:14px; }
      .mistake div { display:grid; grid-template-columns:repeat(3,minmax(0,1fr)); gap:4px; }
      .mistake img { width:100%; border-radius:3px; display:block; }
      .bar { position:relative; height:1.5em; margin-top:3px; font-size:.85rem; line-height:1.5em; overflow:hidden;
        border-radius:3px; background:var(--grid); }
      .bar i { position:absolute; inset:0 auto 0 0; background:var(--bar); }
      .bar.true i { background:var(--true); }
      .bar span { position:relative; padding:0 5px; display:flex; justify-content:space-between; gap:6px; }
      .bar span em { font-style:normal; overflow:hidden; text-overflow:ellipsis; white-space:nowrap; min-width:0; }
      .bar.true em { font-weight:600; }
      .neighbours { display:grid; grid-template-columns:repeat(7,minmax(0,1fr)); gap:4px; max-width:820px; }
      .neighbours img { width:100%; border-radius:3px; display:block; }
      .neighbours > :nth-child(7n+1) { outline:3px solid var(--c1); outline-offset:-3px; border-radius:3px; }
      .matrix td, .matrix th { padding:2px 5px; border:1px solid var(--card); text-align:right; font-size:.8rem;
        white-space:nowrap; }
      .matrix th { font-weight:400; color:var(--quiet); border:0; }
      .matrix thead th { vertical-align:bottom; writing-mode:vertical-rl; transform:rotate(180deg); text-align:left; }
      details { margin-top:8px; } summary { cursor:pointer; color:var(--quiet); }
      """
}
