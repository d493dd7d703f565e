import AlexNet
import Data
import Evaluation
import Foundation
import Testing

/// Names of files and classes in what people, spreadsheets and programs read.
@Suite struct TextTests {
  @Test func cellsThatLookLikeFormulasAreWrittenAsText() {
    // The cells of OWASP's "CSV Injection".
    #expect(CSV.line(["=1+1", "+1+1", "-1+1", "@SUM(1)"]) == "'=1+1,'+1+1,'-1+1,'@SUM(1)")
    #expect(CSV.line(["=HYPERLINK(\"a\",\"b\")"]) == "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"")
    #expect(CSV.line(["\t=1", "\r=1", "＝1"]) == "\\u{9}=1,\\u{d}=1,'＝1")
    // Numbers and other names stay as they are.
    #expect(CSV.line(["-1.5", "+2", "-1e-7", "a=b", "a-b", ""]) == "-1.5,+2,-1e-7,a=b,a-b,")
    #expect(
      CSV.line(["a,b", "say \"hi\"", "two\nlines"]) == "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"")
    #expect(CSV.line(["a\rb", "a\r\nb", "a\r"]) == "a\\u{d}b,\"a\r\nb\",a\\u{d}")
  }

  @Test func namesAreEscapedForPeopleAndKeptInJSON() throws {
    let (file, name) = ("odd/\u{1B}]0;x\u{07}.png", "cat\u{9B}31m\u{202E}")
    let prediction = Prediction(probabilities: [0.75, 0.25])
    for format in [PredictionFormat.table, .csv, .json] {
      let writer = PredictionWriter(format, classNames: [name, "dog"], top: 2)
      let text = writer.text(file, prediction)
      #expect(!text.unicodeScalars.contains { $0 != "\n" && ($0.value < 32 || $0.value == 0x9B) })
      #expect(!text.contains("\u{202E}"))
      // Files of several folders have these for classes.
      let names = ["set/\(name)/1.png", "set/dog/2.png"]
      let pictures = try SetPictures(names, of: "set.npy", dataset: nil, split: .validation)
      #expect(pictures.className(0) == name && pictures.className(1) == "dog")
      let neighbours = NeighbourWriter(
        format, names: names, classNames: [name, "dog"], pictures: pictures
      ).text(file, prediction, [NearestNeighbours.Neighbour(row: 0, distance: 1)])
      #expect(neighbours.contains("dog") == false)
      #expect(!neighbours.unicodeScalars.contains { $0 != "\n" && $0.value < 32 })
      guard format == .json else { continue }
      let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
      #expect(object?["image"] as? String == file)
      let classes = object?["classes"] as? [[String: Any]]
      #expect(classes?.first?["name"] as? String == name)
    }
  }
}
