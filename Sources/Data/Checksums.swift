import CArchive

/// SHA-256 of bytes that arrive in pieces, by libcrypto.
final class SHA256 {
  private let context = EVP_MD_CTX_new()

  init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// The digest in 64 hexadecimal digits; the object is then of no more use.
  func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    EVP_DigestFinal_ex(context, &digest, &length)
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  static func digest(of bytes: [UInt8]) -> String {
    let sum = SHA256()
    bytes.withUnsafeBytes { sum.update($0) }
    return sum.finish()
  }
}

/// CRC-32 as in PNG and gzip, by zlib.
func crc32(of bytes: UnsafeRawBufferPointer) -> UInt32 {
  UInt32(crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
}
