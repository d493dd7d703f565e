import Evaluation
import System
import Testing

/// The figures of an evaluation, worked by hand.
@Suite struct EvaluationTests {
  /// Six images of three classes; the sixth is right at the second guess, the third and the fifth
  /// likewise.
  static let evaluation = Evaluation(
    classNames: ["a", "b, c", "d"], images: [0, 1, 2, 3, 4, 5], labels: [0, 0, 0, 1, 1, 2],
    best: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 0, 2], [0, 1, 2], [0, 2, 1]],
    probabilities: [
      [0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.9, 0.1, 0], [0.4, 0.3, 0.3], [0.6, 0.3, 0.1],
      [0.8, 0.1, 0.1],
    ], ahead: [0, 0, 1, 0, 1, 1], loss: 0.5)

  @Test func errorsAndConfusionsAreCounted() {
    let evaluation = Self.evaluation
    #expect(evaluation.top1Errors == 3 && evaluation.top5Errors == 0)
    #expect(evaluation.percent(3) == 50)
    #expect(evaluation.confusion == [[2, 1, 0], [1, 1, 0], [1, 0, 0]])
    #expect(evaluation.classErrors.map(\.images) == [3, 2, 1])
    #expect(evaluation.classErrors.map(\.top1Errors) == [1, 1, 1])
    // By hand: 'a' is predicted four times and right twice.
    #expect(evaluation.classErrors.map(\.predictions) == [4, 2, 0])
    #expect(evaluation.classErrors.map(\.precision) == [2 / 4, 1 / 2, nil])
    #expect(evaluation.classErrors.map(\.recall) == [2 / 3, 1 / 2, 0])
    for (errors, f1) in zip(evaluation.classErrors, [2 / (2 + 1.5), 0.5, 0]) {
      #expect(abs((errors.f1 ?? .nan) - f1) < 1e-12)
    }
    #expect(
      evaluation.scarcityNotice
        == "3 of 3 classes have fewer than 10 measured images ('a', 'b, c', 'd'): one of them moves "
        + "the class's error by more than 10 %.")
    let worst = evaluation.worstConfusions(2)
    #expect(worst.map(\.label) == [0, 1] && worst.map(\.predicted) == [1, 0])
    #expect(worst.allSatisfy { $0.count == 1 })
    #expect(evaluation.mostConfidentErrors(2) == [2, 5])
  }

  @Test func csvFieldsAreSeparatedByCommasAndQuoted() {
    let report = EvaluationReport(
      EnsembleEvaluation(whole: Self.evaluation, members: [Self.evaluation], weights: [1]),
      checkpoints: ["one"], weighting: .equal, title: "images", names: { "image \($0)" })
    #expect(
      report.csv
        == "class,images,top1Errors,top5Errors,precision,recall,f1\n(all),6,3,0,,,\n"
        + "a,3,1,0,0.5,\(2.0 / 3),\(4.0 / 7)\n\"b, c\",2,1,0,0.5,0.5,0.5\nd,1,1,0,,0.0,0.0\n")
    #expect(report.confusionCSV == "true class,a,\"b, c\",d\na,2,1,0\n\"b, c\",1,1,0\nd,1,0,0\n")
    #expect(
      report.predictionsCSV.split(separator: "\n")[3]
        == "image 2,a,\"b, c\",a,d,0.9,0.1,0.0")
    #expect(CSV.line(["plain", "a \"b\"", "c\nd"]) == "plain,\"a \"\"b\"\"\",\"c\nd\"")
    // What is one Character with its neighbour is quoted too.
    #expect(
      CSV.line(["\"\u{301},x", "a\r\nb", ",\u{301}"]) == "\"\"\"\u{301},x\",\"a\r\nb\",\",\u{301}\""
    )
    #expect(report.text.contains("top-1 error 50.00 % (3 of 6)"))
  }
}

/// The form of ILSVRC's submissions.
@Suite struct ILSVRCSubmissionTests {
  static let names = (0..<6).map { "class \($0)" }

  @Test func aSubmissionsScoreEqualsTheEvaluations() throws {
    let submission = try ILSVRCSubmission(classNames: Self.names, kit: nil)
    let evaluation = Evaluation(
      classNames: Self.names, images: [0, 1, 2], labels: [5, 0, 3],
      best: [[5, 1, 2, 3, 4], [1, 2, 0, 4, 5], [0, 1, 2, 4, 5]],
      probabilities: [[Double]](repeating: [0.2, 0.2, 0.2, 0.2, 0.2], count: 3),
      ahead: [0, 2, 5], loss: 1)
    let text = submission.text(evaluation)
    #expect(text == "6 2 3 4 5\n2 3 1 5 6\n1 2 3 5 6\n")
    let score = try submission.check(text, labels: evaluation.labels, path: "file")
    #expect(score == (top1Errors: 2, top5Errors: 1))
  }

  @Test(arguments: [
    ("6 2 3 4 5\n", "1 line,"), ("6 2 3 4\n1 2 3 4 5\n", "Line 1"),
    ("1 2 3 4 5\n1 2 2 4 5\n", "Line 2"), ("1 2 3 4 5\n0 1 2 3 4\n", "Line 2"),
    ("1 2 3 4 5\n1 2 3 4 7\n", "Line 2"), ("1 2 3 4 5\n1 2 3 4 x\n", "Line 2"),
    ("1 2 3 4 5\n1 2 3 4 5 6\n", "Line 2"),
  ])
  func malformedSubmissionsAreRefused(_ text: String, _ complaint: String) throws {
    let submission = try ILSVRCSubmission(classNames: Self.names, kit: nil)
    let failure = #expect(throws: Failure.self) {
      try submission.check(text, labels: [0, 1], path: "file")
    }
    #expect(failure?.message.contains(complaint) == true)
    #expect(failure?.exitCode == .badData)
  }

  @Test func windowsLineEndsEndLines() throws {
    let submission = try ILSVRCSubmission(classNames: Self.names, kit: nil)
    let lines = ["1 2 3 4 5", "5 4 3 2 1"].map { $0 + "\r\n" }.joined()
    _ = try submission.check(lines, labels: [0, 1], path: "file")
  }

  @Test func ilsvrcClassesNeedTheDevelopmentKit() {
    let names = (0..<5).map { "fish (n0144076\($0))" }
    let failure = #expect(throws: Failure.self) {
      try ILSVRCSubmission(classNames: names, kit: nil)
    }
    #expect(failure?.message.contains("--devkit") == true)
    #expect(throws: Failure.self) { try ILSVRCSubmission(classNames: ["a", "b"], kit: nil) }
  }
}
