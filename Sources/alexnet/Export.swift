import Checkpoints
import Foundation
import Interchange
import Networks
import Options
import Safetensors
import System
import Training

/// `alexnet export`: writes a trained network as a file for other programs.
enum Export: Subcommand {
  static let name = "export"
  static let summary = "write a trained network as ONNX, safetensors or npz for other tools"

  private enum Format: String, CaseIterable, Sendable {
    case onnx, safetensors, npz
  }

  private static let format = Option<Format>(
    "format", "onnx|safetensors|npz", .word, "The format to write.")
  private static let out = Option(
    "out", "FILE", .path, default: "<network>.<format>", "The file to write.")
  private static let dtype = Setting(
    "dtype", "float32|bf16", .word(of: ["float32", "bf16"]), default: "float32",
    "Number format of the weights; bf16 only with safetensors.")
  private static let preprocessing = Option(
    "preprocessing", "inside|outside", .word(of: ["inside", "outside"]), default: "outside",
    "With onnx: whether the graph itself crops square pictures of bytes and subtracts the mean.")

  static let command = Command(
    "alexnet export",
    overview: """
      Writes the network of a checkpoint, without its training state, for other tools:
        onnx         a model of opset 17 that onnxruntime and many others run; classes and preprocessing
                     are in its metadata
        safetensors  the weights with PyTorch's names; 'alexnet' itself predicts with the file too
        npz          the same as NumPy arrays
      """,
    synopsis: "RUN|CHECKPOINT --format onnx|safetensors|npz [options]", takesOperands: true,
    groups: [
      ("What", [SharedOptions.best]),
      ("Output", [format, out, dtype, preprocessing]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    guard arguments.operands.count == 1 else {
      throw Failure(.usage, "Name one run or checkpoint: alexnet export RUN --format onnx.")
    }
    guard let format = arguments[Self.format] else {
      throw Failure(.usage, "Give --format onnx, safetensors or npz.")
    }
    let isBrief = arguments[dtype] == "bf16"
    let place = arguments[preprocessing]
    guard !isBrief || format == .safetensors else {
      throw Failure(
        .usage,
        "--dtype bf16 needs --format safetensors: NumPy does not have bf16, and onnxruntime does "
          + "not compute with it on a CPU.")
    }
    guard place == nil || format == .onnx else {
      throw Failure(.usage, "--preprocessing needs --format onnx, the only format with a graph.")
    }
    let chosen = try arguments.checkpoint(arguments.operands[0])
    let file = try NetworkFile(opening: chosen.path)
    let out = arguments[Self.out] ?? "\(file.network.name).\(format.rawValue)"
    // The mean image of an ONNX model is written beside it. A run's checkpoint is read by another
    // name than the run's.
    let mean = format == .onnx ? [("--out, for the mean image,", out + ".mean.npy")] : []
    try OutputPlace.check([("--out", out)] + mean, reading: [chosen.path])
    switch format {
    case .onnx: try ONNXExport.write(file, to: out, hasPreprocessingInside: place == "inside")
    case .safetensors:
      try NetworkExport.writeSafetensors(
        file.network, file.preprocessing, format: isBrief ? .bfloat16 : .float32, to: out,
        try NetworkExport.values(of: file))
    case .npz:
      try NetworkExport.writeNumPy(
        file.network, file.preprocessing, to: out, try NetworkExport.values(of: file))
    }
    if let note = chosen.note { StandardStream.error.tell("\(note)\n") }
    let weights = file.network.parameterCount
    try StandardStream.confirm(
      "Wrote \(file.network.name), \(weights) weights, "
        + "\(counted(file.network.classes, "class", "classes")), to "
        + "\(quoted(out)).\n"
        + (losses(file, format, isBrief: isBrief, isInside: place == "inside")).map { $0 + "\n" }
        .joined(), of: out)
  }

  /// What the file cannot hold, one sentence each.
  private static func losses(
    _ file: NetworkFile, _ format: Format, isBrief: Bool, isInside: Bool
  ) -> [String] {
    var losses: [String] = []
    if file.file.header.metadata["state"] != nil {
      losses.append("Left out, since only training needs them: velocities, settings and steps.")
    }
    if isBrief {
      losses.append(
        "In bf16 each weight keeps 8 significant bits and differs by up to 0.4 % from the "
          + "checkpoint's. 'alexnet import' makes a checkpoint from the file again.")
    }
    if format == .onnx {
      losses.append(
        "The graph takes the middle crop"
          + (isInside ? " and subtracts its mean" : "")
          + "; for ten crops, find the whole mean image and its place in the metadata "
          + "('alexnet-train')."
      )
    }
    return losses
  }
}
