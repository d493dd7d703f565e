/// The range of `0..<count` that belongs to one of several parts, as even as possible; the first
/// parts get the remainder.
///
/// This is how a layer's kernels are split over towers, a batch's images over replicas, and work
/// over threads.
package func evenSplit(_ count: Int, part: Int, of parts: Int) -> Range<Int> {
  let (each, odd) = count.quotientAndRemainder(dividingBy: parts)
  let start = part * each + min(part, odd)
  return start..<(start + each + (part < odd ? 1 : 0))
}
