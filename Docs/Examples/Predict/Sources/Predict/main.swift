import AlexNet

// usage: Predict CHECKPOINT PICTURE
let classifier = try Classifier(opening: CommandLine.arguments[1])
let prediction = try classifier.classify(imageFile: CommandLine.arguments[2])
for label in prediction.best(5) {
  print(classifier.classNames[label], prediction.probabilities[label])
}
