import Glibc
import HTTP
import Report
import System
import Training

/// `alexnet report` with --serve or --watch: a page that is made again while its runs go on.
struct LivingReport {
  private let runs: [RunDirectory]
  private let place: ServerPlace?
  private let file: String?

  /// Seconds between two pages, and how many times as long as making one has taken: training comes
  /// first.
  private static let rest = (least: 5.0, factor: 9.0)

  /// - Parameters:
  ///   - runs: The folders whose files are watched.
  ///   - place: Where browsers are given the page; nil for nowhere.
  ///   - file: The file that is written; nil for none.
  init(of runs: [RunDirectory], at place: ServerPlace?, file: String?) {
    (self.runs, self.place, self.file) = (runs, place, file)
  }

  /// Shows the page until SIGINT or SIGTERM ends the program.
  /// - Parameter make: Makes the page, and what takes long only where it `hasTime`.
  /// - Throws: `Failure` if the first page cannot be made or shown. One that cannot be made later
  ///   leaves the last one where it is.
  func run(_ make: @escaping (_ hasTime: Bool) throws(Failure) -> String) throws(Failure) {
    let ends = try AwaitedSignals([SIGINT, SIGTERM])
    _ = nice(10)

    // Of a folder that is not there, it is said that it holds no run.
    let first = try make(false)
    if let file { try OutputPlace.check(file) }
    let server = try place.map { place throws(Failure) in
      try PageServer(at: place, option: "serve", page: first, script: LivingPage.script)
    }
    if let file { try TextFile.write(lines: first, to: file) }
    let doings =
      (server.map { ["The page is at \($0.address)"] } ?? [])
      + (file.map { ["\(quoted($0)) is written again and again"] } ?? [])
    try StandardStream.output.show(doings.joined(separator: ", and ") + "; Ctrl-C ends this.\n")

    let renewal = Renewal(runs, file: file, server: server, make: make)
    _ = SystemThread({ renewal.goOn() })
    _ = ends.next()
    renewal.end()
  }

  /// The thread that makes the page again.
  private final class Renewal: @unchecked Sendable {
    private let runs: [RunDirectory]
    private let file: String?
    private let server: PageServer?
    private let make: (Bool) throws(Failure) -> String
    /// Held while something is shown or said, and for good at the end: no half file is left.
    private let monitor = Monitor()
    private var lastComplaint = ""

    init(
      _ runs: [RunDirectory], file: String?, server: PageServer?,
      make: @escaping (Bool) throws(Failure) -> String
    ) {
      (self.runs, self.file, self.server, self.make) = (runs, file, server, make)
    }

    /// What the page depends on.
    private var state: [String] {
      runs.flatMap { run in
        [run.configuration, run.metrics, run.best, run.checkpointFiles.last ?? ""].map { path in
          FileStatus(path).map { "\(path) \($0.size) \($0.changed)" } ?? ""
        }
      }
    }

    func goOn() -> Never {
      var shown: [String] = []
      while true {
        let now = state
        guard now != shown else {
          usleep(500_000)
          continue
        }
        let start = MonotonicClock.seconds
        // What was read while the run removed or wrote it is read again.
        if renew() { shown = now }
        let seconds = MonotonicClock.seconds - start
        usleep(UInt32(1e6 * min(3600, max(rest.least, rest.factor * seconds))))
      }
    }

    private func renew() -> Bool {
      do throws(Failure) {
        let page = try make(true)
        try monitor.locked { Result { () throws(Failure) in try show(page) } }.get()
        lastComplaint = ""
        return true
      } catch {
        monitor.locked {
          if error.message != lastComplaint {
            StandardStream.error.tell("The page stays as it was: \(error.message)\n")
          }
        }
        lastComplaint = error.message
        return false
      }
    }

    private func show(_ page: String) throws(Failure) {
      server?.show(page)
      if let file { try TextFile.write(lines: page, to: file) }
    }

    /// Ends the program, whatever the thread is at.
    func end() -> Never {
      monitor.locked {
        server?.stop()
        _exit(ExitCode.done.rawValue)
      }
    }
  }
}
