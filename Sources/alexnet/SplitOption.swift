import Data
import Options
import System

extension Arguments {
  /// The part of a dataset that `--split` names; the first of the choices if it is not given.
  func split(of choices: [Split]) throws(Failure) -> Split {
    try choice("split", of: choices.map(\.rawValue)).flatMap { Split(rawValue: $0) } ?? choices[0]
  }
}
