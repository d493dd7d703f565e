import CArchive

/// CRC-32 as in PNG and gzip, computed by zlib.
func crc32(of bytes: UnsafeRawBufferPointer) -> UInt32 {
  UInt32(crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
}
