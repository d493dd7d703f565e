import JSON
import System

/// What a run writes down: records in metrics.jsonl, sentences on the screen and in log.txt.
///
/// Every rank keeps one, so that all know how many records there are; only the first rank's writes anything.
final class RunJournal {
  /// Records so far, those of the steps before a resumption included.
  private(set) var records: Int
  private let log: RunLog
  private let metrics: TextFile?

  /// Opens the files of a run.
  /// - Parameters:
  ///   - folder: The run's folder.
  ///   - records: The records that belong to the steps done; what follows them in the file is cut off.
  ///   - speaks: Whether this is the first rank.
  /// - Throws: `Failure` (cannotCreate) if a file cannot be opened.
  init(in folder: HeldFolder, keeping records: Int, speaks: Bool) throws(Failure) {
    self.records = records
    let name = RunDirectory.Name.metrics
    log = try RunLog(in: folder, speaks: speaks)
    metrics = speaks ? try TextFile(appendingTo: name, in: folder, keepingRecords: records) : nil
    if let found = metrics?.recordCount(upTo: records), found < records {
      try log.say(
        "Warning: \(quoted(folder.path(of: name))) has only \(found) of the \(records) records of the steps done; the "
          + "rest is lost.")
    }
  }

  /// The files that it writes: none but in the first rank.
  var files: [KeptFile] {
    [metrics, log.file].compactMap { $0.map { KeptFile(name: $0.name, descriptor: $0.descriptor) } }
  }

  /// Goes back to the records of earlier steps.
  func cut(toRecords count: Int) throws(Failure) {
    records = count
    try metrics?.cut(toRecords: count)
  }

  /// What brings the records to the disk, in any thread.
  var diskJob: @Sendable () throws(Failure) -> Void {
    let metrics = metrics
    return { () throws(Failure) in try metrics?.bringToDisk() }
  }

  /// Adds a record to metrics.jsonl.
  func note(_ record: some Encodable) throws(Failure) {
    records += 1
    try metrics?.append(JSONText.encode(record, isPretty: false))
  }

  /// Tells a whole line.
  func say(_ line: String) throws(Failure) { try log.say(line) }

  /// Shows how far the run is, if it is time to.
  func progress(isLast: Bool = false, _ line: () -> String) throws(Failure) {
    try log.progress(isLast: isLast, line)
  }
}
