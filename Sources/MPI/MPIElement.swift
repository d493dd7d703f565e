package import CMPI

/// A Swift type whose memory representation MPI can send.
package protocol MPIElement: BitwiseCopyable, Sendable {
  /// MPI's name for the type.
  static var datatype: MPI_Datatype { get }
}

/// A type whose numbers MPI can add up and compare.
///
/// No unsigned one: MPICH 4.0 compares those as if they were signed, so that the largest of 200 and
/// 100 is 100.
package protocol MPINumber: MPIElement {}

extension Float: MPINumber {
  /// `MPI_FLOAT`.
  package static var datatype: MPI_Datatype { alexnet_mpi_float() }
}

extension Double: MPINumber {
  /// `MPI_DOUBLE`.
  package static var datatype: MPI_Datatype { alexnet_mpi_double() }
}

extension Int64: MPINumber {
  /// `MPI_INT64_T`.
  package static var datatype: MPI_Datatype { alexnet_mpi_int64() }
}

extension UInt8: MPIElement {
  /// `MPI_UINT8_T`; bytes of `MPI_BYTE` cannot be added up.
  package static var datatype: MPI_Datatype { alexnet_mpi_uint8() }
}

extension Int32: MPINumber {
  /// `MPI_INT32_T`.
  package static var datatype: MPI_Datatype { alexnet_mpi_int32() }
}

extension UInt16: MPIElement {
  /// `MPI_UINT16_T`, for 16-bit numbers.
  package static var datatype: MPI_Datatype { alexnet_mpi_uint16() }
}
