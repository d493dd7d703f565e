/// The numbers of `0..<count` that one of several parts has, as evenly as can be; the odd ones go to the first parts.
///
/// This is how a layer's kernels go to towers, a batch's images to replicas, and work to threads.
package func evenSplit(_ count: Int, part: Int, of parts: Int) -> Range<Int> {
  let (each, odd) = count.quotientAndRemainder(dividingBy: parts)
  let start = part * each + min(part, odd)
  return start..<(start + each + (part < odd ? 1 : 0))
}
