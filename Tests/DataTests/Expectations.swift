import Data
import System
import TestSupport
import Testing

/// Expects a failure with an exit code and a sentence that contains some words; returns the
/// sentence.
@discardableResult
func expectFailure(
  _ code: ExitCode, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) -> String {
  do {
    try body()
    Issue.record("No failure was thrown.", sourceLocation: sourceLocation)
    return ""
  } catch let failure as Failure {
    #expect(failure.exitCode == code, "\(failure.message)", sourceLocation: sourceLocation)
    for word in words {
      #expect(failure.message.contains(word), sourceLocation: sourceLocation)
    }
    #expect(failure.message.hasSuffix("."), "\(failure.message)", sourceLocation: sourceLocation)
    return failure.message
  } catch {
    Issue.record("\(error) is no Failure.", sourceLocation: sourceLocation)
    return ""
  }
}

extension TemporaryFolder {
  /// Prepares `source` as `dataset`.
  @discardableResult
  func prepare(
    _ destination: String = "dataset", from source: String = "source",
    _ change: (inout PreparationSettings) -> Void = { _ in },
    report: @escaping (PreparationEvent) -> Void = { _ in }
  ) throws -> PreparationSummary {
    var settings = PreparationSettings(source: file(source), destination: file(destination))
    settings.side = 8
    settings.threads = 2
    change(&settings)
    return try Preparation.run(settings, report: report)
  }

  func dataset(_ name: String = "dataset") throws -> Dataset { try Dataset(opening: file(name)) }
}

extension Dataset {
  /// The RGB bytes of a picture.
  func pixels(_ split: Split, _ index: Int) throws -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: side * side * 3)
    var outcome: Result<Void, Failure> = .success(())
    pixels.withUnsafeMutableBufferPointer { pixels in
      do throws(Failure) { try decode(split, index, into: pixels) } catch {
        outcome = .failure(error)
      }
    }
    try outcome.get()
    return pixels
  }
}
