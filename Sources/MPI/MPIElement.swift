package import CMPI

/// A Swift type whose memory representation MPI can send.
package protocol MPIElement: BitwiseCopyable, Sendable {
  /// MPI's name for the type.
  static var datatype: MPI_Datatype { get }
}

extension Float: MPIElement {
  /// `MPI_FLOAT`.
  package static var datatype: MPI_Datatype { alexnet_mpi_float() }
}

extension Double: MPIElement {
  /// `MPI_DOUBLE`.
  package static var datatype: MPI_Datatype { alexnet_mpi_double() }
}

extension Int64: MPIElement {
  /// `MPI_INT64_T`.
  package static var datatype: MPI_Datatype { alexnet_mpi_int64() }
}

extension UInt8: MPIElement {
  /// `MPI_BYTE`.
  package static var datatype: MPI_Datatype { alexnet_mpi_byte() }
}

extension Int32: MPIElement {
  /// `MPI_INT32_T`.
  package static var datatype: MPI_Datatype { alexnet_mpi_int32() }
}

extension UInt16: MPIElement {
  /// `MPI_UINT16_T`, for 16-bit numbers.
  package static var datatype: MPI_Datatype { alexnet_mpi_uint16() }
}
