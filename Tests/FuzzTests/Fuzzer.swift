import Foundation
import Images
import Synchronization
import System
import Testing

/// Gives a reader damaged files and sees to it that it refuses or reads them: in time, in bounded
/// memory, without a trap.
///
/// `ALEXNET_FUZZ_INPUTS` says how many inputs a reader gets; `ALEXNET_FUZZ_SEED` takes other ones.
struct Fuzzer {
  /// What is read, for messages.
  let name: String
  /// Whole files.
  let seeds: [[UInt8]]
  /// The file's name; readers go by it.
  let fileName: String

  /// How many inputs were asked for; the suite then runs alone.
  private static let wanted = environment("ALEXNET_FUZZ_INPUTS").flatMap { Int($0) }
  /// Inputs for a reader; few unless asked for, so that the suite is quick.
  static let inputs = wanted ?? 150
  private static let seed = UInt64(environment("ALEXNET_FUZZ_SEED") ?? "") ?? 1
  /// What one input may take, in seconds of a core.
  private static let longest = 1.0
  /// What a reader may need above what the process had before, in bytes.
  private static let mostMemory = 1 << 30

  private static func environment(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name]
  }

  /// Reads every damaged file, which stands at the path that `read` is given.
  /// - Parameters:
  ///   - folder: Where the file is written; it stays there if the process dies over it.
  ///   - read: Throws a `Failure` or an `ImageProblem`, or succeeds.
  /// - Throws: What `read` throws besides: a reader has only these two.
  func run(
    in folder: String, _ read: (_ path: String, _ bytes: [UInt8]) throws -> Void
  ) throws {
    let path = "\(folder)/\(fileName)"
    for (number, seed) in seeds.enumerated() {
      try write(seed, to: path)
      // A seed that is refused would leave what lies behind the first check untouched.
      #expect(throws: Never.self, "seed \(number) of \(name)") { try read(path, seed) }
    }
    var mutator = Mutator(seeds, seed: Self.seed)
    var refused = 0
    let start = MonotonicClock.seconds
    var slowest = (seconds: 0.0, number: 0)
    let watchdog = Watchdog("\(name): the reader hangs over \(path)")
    defer { watchdog.end() }
    let before = memoryPeak(reset: true)
    for number in 0..<Self.inputs {
      let bytes = mutator.next()
      try write(bytes, to: path)
      watchdog.wind()
      let begin = ThreadClock.seconds
      do {
        try read(path, bytes)
      } catch is Failure {
        refused += 1
      } catch is ImageProblem {
        refused += 1
      }
      let seconds = ThreadClock.seconds - begin
      if seconds > slowest.seconds { slowest = (seconds, number) }
    }
    let grown = memoryPeak(reset: false) - before
    #expect(
      slowest.seconds < Self.longest,
      "input \(slowest.number) for \(name) took \(slowest.seconds) s of a core")
    // It is that of the whole process, where other suites may run at the same time.
    if Self.wanted != nil {
      #expect(grown < Self.mostMemory, "\(name) took \(grown >> 20) MiB")
    }
    #expect(refused > 0, "no damage to \(name) was noticed")
    if Self.inputs >= 10_000 {
      print(
        String(
          format: "%@: %d inputs, %d refused, slowest %.3f s, %d MiB more memory, %.0f s in all",
          name,
          Self.inputs, refused, slowest.seconds, grown >> 20, MonotonicClock.seconds - start))
    }
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  /// The most memory that the process had at once since it was last reset, in bytes.
  private func memoryPeak(reset: Bool) -> Int {
    if reset { try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs")) }
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) << 10
  }
}

/// Ends the process when it is not wound for half a minute: a test that hangs says nothing
/// otherwise.
private final class Watchdog: Sendable {
  private let wound = Atomic<Int>(0)
  private let isGone = Atomic<Bool>(false)

  init(_ message: String) {
    let watchdog = Unmanaged.passRetained(self)
    Thread.detachNewThread {
      let watchdog = watchdog.takeRetainedValue()
      var (last, idle) = (-1, 0)
      while !watchdog.isGone.load(ordering: .relaxed) {
        Thread.sleep(forTimeInterval: 1)
        let now = watchdog.wound.load(ordering: .relaxed)
        idle = now == last ? idle + 1 : 0
        last = now
        if idle > 30 { fatalError(message) }
      }
    }
  }

  func wind() { wound.wrappingAdd(1, ordering: .relaxed) }
  func end() { isGone.store(true, ordering: .relaxed) }
}

/// SHA-256 as FIPS 180-4 writes it down, to make checksums without the library under test.
enum PlainSHA256 {
  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants = primes(64).map { root($0, power: 3) }

  private static func primes(_ count: Int) -> [Int] {
    var primes: [Int] = []
    var number = 2
    while primes.count < count {
      if !primes.contains(where: { number % $0 == 0 }) { primes.append(number) }
      number += 1
    }
    return primes
  }

  /// The first 32 bits of the fractional part of a root.
  private static func root(_ prime: Int, power: Int) -> UInt32 {
    // The largest r with r^power <= prime x 2^(32 power), in 128 bits.
    var root: UInt128 = 0
    let target = UInt128(prime) << UInt128(32 * power)
    for bit in (0..<36).reversed() {
      let trial = root | 1 << UInt128(bit)
      var value: UInt128 = 1
      var isTooLarge = false
      for _ in 0..<power {
        let (product, overflow) = value.multipliedReportingOverflow(by: trial)
        isTooLarge = isTooLarge || overflow
        value = product
      }
      if !isTooLarge && value <= target { root = trial }
    }
    return UInt32(truncatingIfNeeded: root)
  }

  /// The checksum in hexadecimal digits.
  static func digest(of bytes: [UInt8]) -> String {
    var message = bytes + [0x80]
    while message.count % 64 != 56 { message.append(0) }
    message += (0..<8).map { UInt8(truncatingIfNeeded: (bytes.count * 8) >> (56 - 8 * $0)) }
    var state = primes(8).map { root($0, power: 2) }
    var w = [UInt32](repeating: 0, count: 64)
    func rotated(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
    for block in stride(from: 0, to: message.count, by: 64) {
      for t in 0..<16 {
        w[t] = (0..<4).reduce(0) { $0 << 8 | UInt32(message[block + 4 * t + $1]) }
      }
      for t in 16..<64 {
        let s0 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ w[t - 15] >> 3
        let s1 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ w[t - 2] >> 10
        w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
      }
      var v = state
      for t in 0..<64 {
        let sum1 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)
        let choice = v[4] & v[5] ^ ~v[4] & v[6]
        let first = v[7] &+ sum1 &+ choice &+ constants[t] &+ w[t]
        let sum0 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)
        let majority = v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]
        v = [first &+ sum0 &+ majority, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
      }
      for i in 0..<8 { state[i] = state[i] &+ v[i] }
    }
    return state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }
}
