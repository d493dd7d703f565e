import AlexNet
import Foundation

/// Ends the program with a sentence on standard error.
func stop(_ sentence: String, code: Int32) -> Never {
  FileHandle.standardError.write(Data("Predict: \(sentence)\n".utf8))
  exit(code)
}

guard CommandLine.arguments.count == 3 else {
  stop("usage: Predict CHECKPOINT PICTURE", code: 64)
}
let (checkpoint, picture) = (CommandLine.arguments[1], CommandLine.arguments[2])

do {
  let classifier = try Classifier(opening: checkpoint)
  let prediction = try classifier.classify(imageFile: picture)
  for label in prediction.best(5) {
    let percent = String(format: "%5.1f %%", 100 * prediction.probabilities[label])
    print(percent, classifier.classNames[label])
  }
} catch {
  // A sentence with the path and the remedy, and an exit code as those of this package's programs.
  stop("\(error)", code: error.exitCode.rawValue)
}
