import Networks
import System

/// A node that reads the data computed from the input so far.
struct ONNXStep {
  let operation: String
  let name: String
  let inputs: [String]
  let outputs: [String]
  let attributes: ONNXAttributes
  let constants: ONNXConstants
}

/// Why a node is not a layer that can be compared, and what it becomes instead.
struct ONNXObstacle: Error {
  let kind: FileLayer.Kind

  init(_ kind: FileLayer.Kind) { self.kind = kind }
}

extension ONNXStep {
  /// The constants that a node reads in addition to the data; nil if it reads none.
  func numbers(
    _ place: Int, _ what: String
  ) throws(ONNXObstacle) -> ONNXConstants.Numbers? {
    guard inputs.indices.contains(place), let value = constants[inputs[place]] else {
      return nil
    }
    switch value {
    case .numbers(let numbers): return numbers
    case .unreadable(let reason):
      throw ONNXObstacle(
        .unreadable(
          "the \(what) \(quoted(inputs[place])) of layer \(quoted(name)) cannot be read: "
            + "\(reason)"
        ))
    }
  }

  /// Numbers that must have the layout in which they are used.
  func plainTensor(
    _ place: Int, _ what: String
  ) throws(ONNXObstacle) -> WeightTensor? {
    let numbers = try numbers(place, what)
    guard numbers?.isTransposed != true else {
      throw ONNXObstacle(
        .unreadable(
          "the \(what) \(quoted(inputs[place])) of layer \(quoted(name)) cannot be read: "
            + "a Transpose turns them"
        ))
    }
    return numbers?.tensor
  }

  /// Its window, as Conv and the poolings have it.
  func window(size: [Int]) throws(ONNXObstacle) -> FileWindow {
    let strides = attributes.ints("strides") ?? [1, 1]
    let padding = attributes.word("auto_pad")
    // With automatic padding, the explicit one is ignored.
    let pads =
      ["", "NOTSET"].contains(padding) ? attributes.ints("pads") ?? [0, 0, 0, 0] : [0, 0, 0, 0]
    guard size.count == 2, strides.count == 2, pads.count == 4,
      (size + strides + pads).allSatisfy({ (0...1 << 20).contains($0) })
    else { throw ONNXObstacle(.other("\(operation) of other than two dimensions")) }
    guard size[0] == size[1], strides[0] == strides[1], pads[0] == pads[1], pads[2] == pads[3]
    else { throw ONNXObstacle(.other("\(operation) whose height and width differ")) }
    guard (attributes.ints("dilations") ?? []).allSatisfy({ $0 == 1 }) else {
      throw ONNXObstacle(.other("dilated \(operation)"))
    }
    var (before, after) = (pads[0], pads[2])
    switch padding {
    case "", "NOTSET", "VALID": break
    case "SAME_UPPER" where strides[0] == 1 && size[0] > 0:
      (before, after) = ((size[0] - 1) / 2, size[0] / 2)
    case "SAME_LOWER" where strides[0] == 1 && size[0] > 0:
      (before, after) = (size[0] / 2, (size[0] - 1) / 2)
    default:
      throw ONNXObstacle(
        .unreadable(
          "the padding of layer \(quoted(name)) cannot be read: with auto_pad \(padding) and "
            + "a stride of \(strides[0]) it depends on the size of the maps; save the model with "
            + "numbers as its 'pads'"))
    }
    return FileWindow(
      size: size[0], stride: strides[0], padding: before, paddingAfter: after,
      roundsUp: attributes.int("ceil_mode", 0) != 0)
  }

  /// Its constants, as LRN has them.
  var norm: FileNorm {
    let size = attributes.int("size", 1)
    // ONNX divides alpha by the size.
    return FileNorm(
      size: size, scale: attributes.float("alpha", 1e-4) / Double(max(1, size)),
      exponent: attributes.float("beta", 0.75), constant: attributes.float("bias", 1))
  }
}
