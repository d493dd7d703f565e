import CMPI

/// An MPI call that returned an error code.
package struct MPIError: Error, CustomStringConvertible, Sendable {
  /// The MPI routine, `MPI_Sendrecv`.
  package let routine: String
  /// The error code that it returned.
  package let code: Int32
  /// MPI's own text for the code.
  package let text: String

  init(routine: String, code: Int32) {
    self.routine = routine
    self.code = code
    var length: Int32 = 0
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_ERROR_STRING)) {
      buffer -> String in
      guard let start = buffer.baseAddress,
        MPI_Error_string(code, start, &length) == alexnet_mpi_success()
      else { return "unknown error \(code)" }
      // MPICH adds the routines that the error went through.
      let line = String(cString: start).prefix { $0 != "\n" }
      return String(
        line.prefix(upTo: line.firstRange(of: ", error stack")?.lowerBound ?? line.endIndex))
    }
    self.text = text
  }

  /// The routine and MPI's text: `MPI_Sendrecv: MPI_ERR_RANK: invalid rank`.
  package var description: String { "\(routine): \(text)" }
}

/// Converts MPI return codes to errors; all calls use this function.
func check(_ code: Int32, _ routine: String) throws(MPIError) {
  if code != alexnet_mpi_success() { throw MPIError(routine: routine, code: code) }
}
