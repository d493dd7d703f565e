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
    let digest = bytes()
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private func bytes() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    EVP_DigestFinal_ex(context, &digest, &length)
    return digest
  }

  /// The digest of an array in base 64, as browsers compare scripts with it.
  package static func base64(of bytes: [UInt8]) -> String {
    let sum = SHA256()
    bytes.withUnsafeBytes { sum.update($0) }
    var text = [UInt8](repeating: 0, count: 45)
    EVP_EncodeBlock(&text, sum.bytes(), 32)
    return String(decoding: text.dropLast(), as: UTF8.self)
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
