import Glibc

/// Counts the scans of a JPEG file.
///
/// A file consists of segments, each a marker (0xFF and a number) and usually a length followed by
/// as many bytes. A scan's segment is followed by coded data, in which 0xFF is followed by 0 or by
/// a restart number.
enum JPEGScans {
  /// Whether there are more than a given number of scans; damaged files are left to the decoder.
  static func exceed(_ most: Int, in bytes: UnsafeRawBufferPointer) -> Bool {
    var (place, scans) = (0, 0)
    while let marker = nextMarker(&place, bytes) {
      switch marker {
      // The end of the picture.
      case 0xD9: return false
      // Markers without contents: the start, restarts, and reserved ones.
      case 0x01, 0xD0...0xD8: continue
      default:
        guard place + 2 <= bytes.count else { return false }
        if marker == 0xDA { scans += 1 }
        guard scans <= most else { return true }
        place += Int(bytes[place]) << 8 | Int(bytes[place + 1])
      }
    }
    return false
  }

  /// The number of the next marker; `place` is moved behind it.
  private static func nextMarker(_ place: inout Int, _ bytes: UnsafeRawBufferPointer) -> UInt8? {
    while let start = bytes.baseAddress, place < bytes.count,
      let found = memchr(start + place, 0xFF, bytes.count - place)
    {
      place = UnsafeRawPointer(found) - start + 1
      // A marker's number may be preceded by several 0xFF bytes.
      guard place < bytes.count, bytes[place] != 0, bytes[place] != 0xFF else { continue }
      place += 1
      return bytes[place - 1]
    }
    return nil
  }
}
