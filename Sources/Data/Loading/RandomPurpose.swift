import Tensors

/// What the data module draws random numbers for; each purpose has its own random stream.
enum RandomPurpose: UInt64 {
  // The upper half spells "data", to differ from the purposes of other modules.
  case epochOrder = 0x6461_7461_0000_0001
  case cropAndMirror
  case chunkCropAndMirror
  case colourNoise
  case diskOrder
  case holdOut
  case classLimit
  case testLimit
  case classOrder
  case orderInClass

  func generator(seed: UInt64) -> Philox { Philox(seed: seed, purpose: rawValue) }
}
