import Experiments
import Foundation
import System
import Training

/// The runs of a stage as an array of Slurm's jobs.
struct SlurmArray {
  let runs: ExperimentRuns
  let words: [String]
  let options: [String]

  init(_ runs: ExperimentRuns, words: [String], options: [String]) {
    self.runs = runs
    self.words = words
    self.options = options
  }

  private var command: String {
    ([Child.own, "reproduce"] + words).map(shellWord).joined(separator: " ")
  }

  /// A job's script.
  ///
  /// The run is in the background, since bash acts on a signal only in `wait`; code 75 is a run
  /// that was saved before its time was up.
  private func script(_ runs: [PlannedRun]) -> String {
    """
    #!/bin/bash
    #SBATCH --job-name=alexnet-\(self.runs.experiment.name)
    #SBATCH --ntasks=\(self.runs.launcher.tasks(runs.map(\.ranks)))
    #SBATCH --signal=B:USR1@180
    #SBATCH --requeue
    #SBATCH --open-mode=append
    #SBATCH --output="\(self.runs.folder)/slurm-%A-%a.out"
    runs=(\(runs.map(\.name).joined(separator: " ")))
    \(command) --only "${runs[SLURM_ARRAY_TASK_ID - 1]}" &
    child=$!
    trap 'kill -USR1 $child' USR1
    trap 'kill -TERM $child' TERM
    code=
    while [ -z "$code" ]; do
      wait $child
      code=$?
      if [ $code -gt 128 ] && kill -0 $child 2>/dev/null; then code=; fi
    done
    if [ $code = 75 ]; then scontrol requeue "$SLURM_JOB_ID" && exit 0; fi
    exit $code

    """
  }

  func submit() throws(Failure) {
    let missing = try runs.state().missing
    let place = "\(runs.folder)/\(runs.experiment.name)"
    try RunDirectory(runs.folder).makeFolder()
    let (job, said) = (place + ".slurm", place + ".sbatch")
    let complaints = said + ".errors"
    try TextFile.write(lines: script(missing), to: job)
    func sbatch(_ words: [String]) throws(Failure) -> String {
      for path in [said, complaints] { try? FileManager.default.removeItem(atPath: path) }
      let code = try Child.run(
        ["sbatch", "--parsable"] + words, saves: false, output: said, complaints: complaints)
      let answer = (try TextFile.read(said)).trimmingCharacters(in: .whitespacesAndNewlines)
      guard code == 0 else {
        let reason = try TextFile.read(complaints)
        throw Failure(.internal, "sbatch ended with code \(code): \(answer)\(reason)")
      }
      // ID, or ID;CLUSTER.
      return String(answer.prefix { $0 != ";" })
    }
    let array = try sbatch(options + ["--array=1-\(missing.count)", job])
    // The user's account and partition are for it too.
    let after = try sbatch(
      options + [
        "--dependency=afterok:\(array)", "--kill-on-invalid-dep=yes", "--ntasks=1",
        "--cpus-per-task=1", "--output=\(runs.folder)/slurm-%j.out", "--wrap", command,
      ])
    try StandardStream.output.write(
      "Submitted \(counted(missing.count, "run", "runs")) as the array \(array), and what follows "
        + "as job \(after). If a run fails, what follows is cancelled: start the same command "
        + "again.\n")
  }
}
