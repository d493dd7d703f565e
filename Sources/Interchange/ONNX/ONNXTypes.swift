/// ONNX's numbers for the types of a tensor's elements: those that are read or written here.
enum ONNXElementType: Int32 {
  case float32 = 1
  case byte = 2
  case int64 = 7
  case truth = 9
  case float16 = 10
  case float64 = 11
  case bfloat16 = 16
}

/// ONNX's numbers for the types of a node's attributes: those that are read or written here.
enum ONNXAttributeType: Int32 {
  case float = 1
  case int = 2
  case text = 3
  case ints = 7
}
