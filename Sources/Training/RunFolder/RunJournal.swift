import JSON
package import System

/// The output of a run: records in metrics.jsonl, sentences on the screen and in log.txt.
///
/// Every rank has one, so that all know the number of records; only the first rank's writes files.
package final class RunJournal {
  /// The number of records so far, including those before a resumption.
  private(set) var records: Int
  private let log: RunLog
  private let metrics: TextFile?

  /// Opens the files of a run.
  /// - Parameters:
  ///   - folder: The run's folder, in the first rank; nil in the others.
  ///   - records: The number of records that belong to the steps done; the rest of the file is cut
  ///     off.
  /// - Throws: `Failure` (cannotCreate) if a file cannot be opened.
  package init(in folder: HeldFolder?, keeping records: Int) throws(Failure) {
    self.records = records
    let name = RunDirectory.Name.metrics
    log = try RunLog(in: folder)
    metrics = try folder.map { folder throws(Failure) in
      try TextFile(appendingTo: name, in: folder, keepingRecords: records)
    }
    if let folder, let found = metrics?.recordCount(upTo: records), found < records {
      try log.say(
        "Warning: \(quoted(folder.path(of: name))) has only \(found) of the \(records) records of "
          + "the steps done; the rest is lost.")
    }
  }

  /// The files that it writes; empty except in the first rank.
  var files: [KeptFile] {
    [metrics, log.file].compactMap { $0.map { KeptFile(name: $0.name, descriptor: $0.descriptor) } }
  }

  /// Returns to the records of earlier steps.
  func cut(toRecords count: Int) throws(Failure) {
    records = count
    try metrics?.cut(toRecords: count)
  }

  /// A function that syncs the records to disk; it may run in any thread.
  var diskJob: @Sendable () throws(Failure) -> Void {
    let metrics = metrics
    return { () throws(Failure) in try metrics?.bringToDisk() }
  }

  /// Adds a record to metrics.jsonl.
  func note(_ record: some Encodable) throws(Failure) {
    records += 1
    try metrics?.append(JSONText.encode(record, isPretty: false))
  }

  /// Prints and logs a whole line.
  func say(_ line: String) throws(Failure) { try log.say(line) }

  /// Logs a text without printing it.
  func log(_ text: String) throws(Failure) { try log.write(text) }

  /// Shows the progress of the run, if it is time to.
  func progress(isLast: Bool = false, _ line: () -> String) throws(Failure) {
    try log.progress(isLast: isLast, line)
  }
}
