import CChecksums

/// Computes SHA-256 of bytes that arrive in pieces, with libcrypto.
package final class SHA256 {
  /// Hexadecimal digits of a digest.
  package static let digits = 64

  private let context = EVP_MD_CTX_new()

  package init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds the next bytes.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// The digest in 64 hexadecimal digits; the object cannot be used afterwards.
  package func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    EVP_DigestFinal_ex(context, &digest, &length)
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The digest of a buffer.
  package static func digest(of bytes: UnsafeRawBufferPointer) -> String {
    let sum = SHA256()
    sum.update(bytes)
    return sum.finish()
  }

  /// The digest of an array.
  package static func digest(of bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { digest(of: $0) }
  }
}
