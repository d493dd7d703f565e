import ModelParallel
import Testing

@Suite struct WireFormatTests {
  @Test func fp32IsSentUnchanged() {
    #expect(WireFormat.fp32.received([1.2345678, -.infinity]) == [1.2345678, -.infinity])
    #expect(WireFormat.fp32.bytes(of: 10) == 40 && WireFormat.bf16.bytes(of: 10) == 20)
    #expect(WireFormat.fp16.bytes(of: 10) == 24, "ten numbers and their scale")
  }

  @Test func bf16WorkedByHand() {
    // 8 bits of precision, ties to even: 1 + 1/256 lies between 1 and 1 + 1/128.
    let received = WireFormat.bf16.received([
      1, 1.00390625, 1.01171875, 1.0039215, -0.0, .infinity, .leastNonzeroMagnitude * 65_536,
      3.4e38,
    ])
    let expected: [Float] = [1, 1, 1.015625, 1.0078125]
    #expect(Array(received[..<4]) == expected)
    #expect(received[4].sign == .minus && received[5] == .infinity)
    #expect(received[6] > 0 && received[7] == .infinity)
    let strange = WireFormat.bf16.received([.nan, Float(bitPattern: 0x7F80_0001)])
    #expect(strange.allSatisfy { $0.isNaN })
  }

  @Test func fp16EqualsTheCompilersConversion() {
    // The largest number 16384 = 2^14 keeps the scale at 1.
    var numbers: [Float] = [16_384, 0, -0.0, 1, 1 / 3, -65.4321, 6.1e-5, 6.0e-8, 2.9e-8, 1e-9]
    for i in 0..<5000 {
      numbers.append(Float(i * i % 4001 - 2000) * Float.ulpOfOne * Float(1 << (i % 24)))
    }
    let expected = numbers.map { Float(Float16($0)) }
    #expect(WireFormat.fp16.received(numbers) == expected)
  }

  @Test func smallGradientsDoNotVanishInFP16() {
    let gradients = (1...1000).map { Float($0) * 1e-9 }
    let received = WireFormat.fp16.received(gradients)
    for (number, copy) in zip(gradients, received) where number > 1e-8 {
      #expect(abs(copy / number - 1) < 1.0 / 2048)
    }
    #expect(gradients.allSatisfy { Float(Float16($0)) != $0 }, "without the scale they would")
  }

  @Test func nanStaysNaN() {
    let received = WireFormat.fp16.received([.nan, 1, .infinity, -.infinity])
    #expect(received[0].isNaN && received[1] == 1)
    #expect(received[2] == .infinity && received[3] == -.infinity)
    #expect(WireFormat.fp16.received([0, 0]) == [0, 0] && WireFormat.fp16.received([]) == [])
  }
}
