import Foundation
import TestSupport
import Testing

/// The Python that scripts/check-interchange installs its packages for, outside the repository;
/// `ALEXNET_PYTHON` names another.
enum Python {
  static let path: String = {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    return environment["ALEXNET_PYTHON"] ?? cache + "/alexnet-train/python/bin/python"
  }()

  /// Whether it has some modules.
  static func has(_ modules: String...) -> Bool {
    guard FileManager.default.isExecutableFile(atPath: path) else { return false }
    let names = modules.map { "'\($0)'" }.joined(separator: ",")
    let text =
      "import importlib.util,sys;sys.exit(any(importlib.util.find_spec(m) is None for m in "
      + "[\(names)]))"
    return (try? Program.run([path, "-c", text]).code) == 0
  }
}

/// What Docs/Interchange.md says of other programs' files, done with small networks that are laid
/// out as theirs.
@Suite(.enabled(if: Python.has("numpy", "PIL", "safetensors"), "needs Python's packages"))
struct ForeignNetworkTests {
  private let scratch = TemporaryFolder()
  private static let scripts = "\(Program.repository)/scripts/interchange"

  private struct Likeness: Decodable {
    let file: String
    let convert: Bool
    let options: [String]
    let probabilities: [Double]
  }

  /// Imports a file and compares the probabilities of a picture with those of the program that
  /// wrote it.
  private func check(_ kind: String) throws {
    let folder = scratch.path
    let made = try Program.run([Python.path, "\(Self.scripts)/likeness.py", kind, folder])
    try #require(made.code == 0, "\(made.error)")
    let likeness = try JSONDecoder().decode(
      Likeness.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/likeness.json")))
    var file = "\(folder)/\(likeness.file)"
    if likeness.convert {
      // The import itself says how.
      let refused = try Program.alexnet("import", file, "--out", "\(folder)/no.safetensors")
      #expect(
        refused.code == 64 && !FileManager.default.fileExists(atPath: "\(folder)/no.safetensors"))
      #expect(refused.error.contains("to_safetensors.py \(file) "), "\(refused.error)")
      let converted = try Program.run([
        Python.path, "\(Self.scripts)/to_safetensors.py", file, "\(folder)/weights.safetensors",
      ])
      try #require(converted.code == 0, "\(converted.error)")
      file = "\(folder)/weights.safetensors"
    }
    let imported = try Program.alexnet(
      ranks: nil,
      [
        "import", file, "--network", "\(folder)/network.json", "--out",
        "\(folder)/ours.safetensors",
      ]
        + likeness.options)
    try #require(imported.code == 0, "\(imported.error)")
    #expect(imported.output.contains("crops of 35 of 40 pixels"))
    let predicted = try Program.alexnet(
      "predict", "--checkpoint", "\(folder)/ours.safetensors", "\(folder)/picture.png", "--json",
      "--top", "5")
    try #require(predicted.code == 0, "\(predicted.error)")
    let line = try #require(predicted.output.split(separator: "\n").first)
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    let rows = try #require(object?.values.compactMap { $0 as? [[String: Any]] }.first)
    #expect(rows.count == likeness.probabilities.count)
    for row in rows {
      let name = try #require((row["class"] ?? row["name"] ?? row["label"]).map { "\($0)" })
      let label = try #require(Int(name))
      let probability = try #require(row["probability"] as? Double)
      #expect(abs(probability - likeness.probabilities[label]) < 2e-5, "\(kind), class \(label)")
    }
  }

  @Test(
    .enabled(if: Python.has("torch"), "needs PyTorch"),
    arguments: ["torchvision", "checkpoint", "lightning", "shared"])
  func filesOfPyTorchAreConverted(_ kind: String) throws { try check(kind) }

  @Test(.enabled(if: Python.has("onnx"), "needs onnx"), arguments: ["zoo-alexnet", "zoo-caffenet"])
  func modelsInTheLayoutOfTheONNXZooAreRead(_ kind: String) throws { try check(kind) }

  @Test func aFileInTorontosLayoutIsConverted() throws { try check("toronto") }

  @Test(.enabled(if: Python.has("scipy"), "needs SciPy"))
  func aFileInMatConvNetsLayoutIsConverted() throws { try check("matconvnet") }

  @Test(.enabled(if: Python.has("keras", "torch"), "needs Keras and PyTorch"))
  func aKerasModelIsConverted() throws { try check("keras") }

  @Test(.enabled(if: Python.has("tensorflow", "keras"), "needs TensorFlow"))
  func aTensorFlowCheckpointIsConverted() throws { try check("tensorflow") }

  /// Dense layers are turned whatever their names are: TensorFlow's own, LeNet's, or an order that
  /// is given.
  @Test(arguments: [
    ("conv2d_9 conv2d_10 dense dense_1", nil), ("conv1 conv2 fc1 fc2", nil), ("z y b a", "z,y,b,a"),
  ]) func layersWithAnyNamesAreConverted(_ names: String, _ order: String?) throws {
    let make = """
      import sys, numpy as np
      r = np.random.default_rng(1)
      shapes = [(3, 3, 3, 4), (3, 3, 4, 6), (24, 5), (5, 2)]
      layers = dict(zip(sys.argv[2].split(), [[r.normal(size=s), r.normal(size=s[-1])] for s in shapes]))
      np.save(sys.argv[1] + '/n.npy', dict(sorted(layers.items(), reverse=True)), allow_pickle=True)
      """
    let check = """
      import sys, numpy as np
      from safetensors.numpy import load_file
      names, d = sys.argv[2].split(), np.load(sys.argv[1] + '/n.npy', allow_pickle=True).item()
      w = load_file(sys.argv[1] + '/n.safetensors')
      first = d[names[2]][0].reshape(2, 2, 6, 5).transpose(2, 0, 1, 3).reshape(24, 5).T
      right = [d[n][0].transpose(3, 2, 0, 1) for n in names[:2]] + [first, d[names[3]][0].T]
      for n, a in zip(names, right):
          assert np.array_equal(w[n + '.weight'], a.astype('f4')), n
      """
    let folder = scratch.path
    #expect(try Program.run([Python.path, "-c", make, folder, names]).code == 0)
    let words = [
      Python.path, "\(Self.scripts)/to_safetensors.py", "\(folder)/n.npy",
      "\(folder)/n.safetensors",
    ]
    if let order {
      let refused = try Program.run(words)
      #expect(refused.code == 1 && refused.error.contains("--order"), "\(refused.error)")
      let converted = try Program.run(words + ["--order", order])
      #expect(converted.code == 0, "\(converted.error)")
    } else {
      let converted = try Program.run(words)
      #expect(converted.code == 0, "\(converted.error)")
    }
    let checked = try Program.run([Python.path, "-c", check, folder, names])
    #expect(checked.code == 0, "\(checked.error)")
  }

  /// Each is refused with one sentence that says what it is.
  @Test(.enabled(if: Python.has("torch"), "needs PyTorch"))
  func filesWithoutPlainTensorsAreRefusedInOneSentence() throws {
    let make = """
      import argparse, sys, types, numpy as np, torch, warnings
      warnings.simplefilter('ignore')
      state, f = {'a.weight': torch.eye(3)}, sys.argv[1]
      torch.jit.script(torch.nn.Linear(2, 2)).save(f + '/script.pth')
      torch.save(state, f + '/whole.pth')
      whole = open(f + '/whole.pth', 'rb').read()
      open(f + '/cut.pth', 'wb').write(whole[:len(whole) // 2])
      open(f + '/empty.pth', 'wb')
      open(f + '/text.pth', 'w').write('hello not a checkpoint\\n')
      torch.save({'a.weight': torch.quantize_per_tensor(torch.eye(3), .1, 0, torch.qint8)}, f + '/quantised.pth')
      torch.save({'state_dict': state, 'best': np.float64(3.1)}, f + '/scalar.pth')
      torch.save({'state_dict': state, 'args': argparse.Namespace(lr=1)}, f + '/names.pth')
      torch.save({'state_dict': state, 'args': types.SimpleNamespace(lr=1)}, f + '/simple.pth')
      torch.save({'a.weight': torch.eye(3).to_sparse()}, f + '/sparse.pth')
      torch.save({'a.weight': torch.eye(3), 'b._packed_params._packed_params': (torch.eye(3), None)}, f + '/packed.pth')
      open(f + '/pointer.pth', 'w').write('version https://git-lfs.github.com/spec/v1\\nsize 9\\n')
      open(f + '/page.pth', 'w').write('<!DOCTYPE html>\\n<html></html>\\n')
      open(f + '/net.caffemodel.h5', 'wb')
      np.save(f + '/odd.npy', {'conv1': np.ones(3)}, allow_pickle=True)
      open(f + '/cut.npy', 'wb').write(open(f + '/odd.npy', 'rb').read()[:-20])
      """
    let made = try Program.run([Python.path, "-c", make, scratch.path])
    try #require(made.code == 0, "\(made.error)")
    for (name, says) in [
      ("script.pth", "program of TorchScript"), ("cut.pth", "cut or damaged"),
      ("empty.pth", "is empty"), ("text.pth", "no file of PyTorch"),
      ("quantised.pth", "'a.weight'"), ("scalar.pth", "multiarray.scalar would"),
      ("simple.pth", "types.SimpleNamespace would"), ("odd.npy", "'conv1'"),
      ("cut.npy", "cut or damaged"), ("net.caffemodel.h5", "BINARYPROTO"),
      ("packed.pth", "'b._packed_params._packed_params' is quantised"),
      ("pointer.pth", "git lfs pull"), ("page.pth", "a web page"),
      ("sparse.pth", nil), ("names.pth", nil),
    ] as [(String, String?)] {
      let outcome = try Program.run([
        Python.path, "\(Self.scripts)/to_safetensors.py", "\(scratch.path)/\(name)",
        "\(scratch.path)/out.safetensors",
      ])
      #expect(outcome.code == (says == nil ? 0 : 1), "\(name): \(outcome.error)")
      let lines = outcome.error.split(separator: "\n")
      #expect(lines.count == (says == nil ? 0 : 1), "\(name): \(outcome.error)")
      if let says {
        #expect(lines.first?.contains(says) == true, "\(name): \(outcome.error)")
        #expect(!outcome.error.contains("\u{1B}"))
      }
    }
  }

  @Test(.enabled(if: Python.has("keras", "torch"), "needs Keras and PyTorch"))
  func aKerasFileOfWeightsAloneIsRefused() throws {
    let make = """
      import os, sys
      os.environ['KERAS_BACKEND'] = 'torch'
      import keras
      model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
      model.save_weights(sys.argv[1] + '/n.weights.h5')
      """
    let made = try Program.run([Python.path, "-c", make, scratch.path])
    try #require(made.code == 0, "\(made.error)")
    let outcome = try Program.run([
      Python.path, "\(Self.scripts)/to_safetensors.py", "\(scratch.path)/n.weights.h5",
      "\(scratch.path)/out.safetensors",
    ])
    #expect(
      outcome.code == 1 && outcome.error.contains("weights without a model")
        && !outcome.error.contains("Traceback"), "\(outcome.error)")
  }

  /// What runs programs when it is read is refused, and nothing of it runs.
  @Test func filesThatWouldExecuteCodeAreRefused() throws {
    let trap = """
      import os, pickle, sys, numpy
      class Trap:
          def __reduce__(self):
              return os.mkdir, (sys.argv[1] + '/ran',)
      numpy.save(sys.argv[1] + '/trap.npy', {'conv1': Trap()}, allow_pickle=True)
      open(sys.argv[1] + '/trap.pth', 'wb').write(pickle.dumps({'a.weight': Trap()}))
      """
    let made = try Program.run([Python.path, "-c", trap, scratch.path])
    try #require(made.code == 0, "\(made.error)")
    for name in ["trap.npy"] + (Python.has("torch") ? ["trap.pth"] : []) {
      let outcome = try Program.run([
        Python.path, "\(Self.scripts)/to_safetensors.py", "\(scratch.path)/\(name)",
        "\(scratch.path)/out.safetensors",
      ])
      #expect(outcome.code == 1 && outcome.error.contains("execute"), "\(outcome.error)")
    }
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/ran"))
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/out.safetensors"))
  }

  /// Conversion to half precision and to older operators, and the outputs they leave as they were.
  @Test(.enabled(if: Python.has("onnx", "onnxruntime"), "needs onnx and onnxruntime"))
  func exportedModelsCanBeConvertedByOtherPrograms() throws {
    let described = scratch.path + "/network.json"
    try """
    { "name": "two-towers", "towers": 2, "inputSide": 14, "imageSide": 16, "classes": 5, "layers": [
      { "type": "convolution", "name": "c1", "kernels": 8, "size": 5, "stride": 3, "weightDeviation": 0.1 },
      { "type": "relu", "name": "r1" }, { "type": "responseNormalization", "name": "n1" },
      { "type": "maxPooling", "name": "p1", "size": 3, "stride": 2 },
      { "type": "fullyConnected", "name": "f2", "kernels": 5, "weightDeviation": 0.3 } ] }
    """.write(toFile: described, atomically: true, encoding: .utf8)
    let script = """
      import sys, numpy as np, onnx, onnxruntime as ort
      from onnx import version_converter
      from onnxruntime.transformers.float16 import convert_float_to_float16
      x = np.random.default_rng(1).uniform(-100, 100, (2, 3, 14, 14)).astype(np.float32)
      run = lambda m: ort.InferenceSession(m.SerializeToString()).run(['logits', 'probabilities'], {'input': x})
      before = run(onnx.load(sys.argv[1]))
      ways = {f'opset {v}': (lambda m, v=v: version_converter.convert_version(m, v), 1e-6) for v in (16, 15, 14)}
      ways['onnxruntime'] = lambda m: convert_float_to_float16(m, keep_io_types=True), 2e-2
      try:
          from onnxconverter_common import float16
          ways['onnxconverter-common'] = lambda m: float16.convert_float_to_float16(m, keep_io_types=True), 2e-2
      except ImportError:
          print('onnxconverter-common is missing')
      for name, (convert, bound) in ways.items():
          for a, b in zip(before, run(convert(onnx.load(sys.argv[1])))):
              assert a.dtype == b.dtype and np.abs(a - b).max() <= bound * max(1, np.abs(a).max()), (name, a, b)
      """
    // Random weights: the network in NumPy's archive.
    let weights = """
      import sys, numpy as np
      r = np.random.default_rng(2)
      np.savez(sys.argv[1], **{'c1.weight': r.normal(0, .1, (8, 3, 5, 5)), 'c1.bias': r.normal(0, 1, 8),
        'f2.weight': r.normal(0, .2, (5, 32)), 'f2.bias': r.normal(0, 1, 5), 'optimizer/iterations': np.array(7),
        'words': np.array([{}, None], dtype=object), 'flags': np.array([True])})
      """
    let npz = scratch.path + "/weights.npz"
    #expect(try Program.run([Python.path, "-c", weights, npz]).code == 0)
    let checkpoint = scratch.path + "/two.safetensors"
    let imported = try Program.alexnet(
      "import", npz, "--network", described, "--out", checkpoint)
    try #require(imported.code == 0, "\(imported.error)")
    let model = scratch.path + "/two.onnx"
    let exported = try Program.alexnet("export", checkpoint, "--format", "onnx", "--out", model)
    try #require(exported.code == 0, "\(exported.error)")
    let converted = try Program.run([Python.path, "-c", script, model])
    #expect(converted.code == 0, "\(converted.error)")
  }
}

/// Files of other programs where a checkpoint is asked for.
@Suite struct ForeignCheckpointTests {
  @Test(arguments: [
    "model.onnx", "weights.npz", "bvlc.caffemodel", "foreign.safetensors", "alexnet.pth",
    "best.pth.tar",
  ])
  func theRefusalSaysHowToConvertTheFile(_ name: String) throws {
    let scratch = TemporaryFolder()
    let path = "\(scratch.path)/\(name)"
    var bytes = [UInt8]("PK not a checkpoint at all".utf8)
    if name == "foreign.safetensors" {
      let header = Array(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.utf8)
      bytes = [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + [0, 0, 0, 0]
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let data = try Pictures.small.get().path + "/dataset"
    for words in [
      ["predict", "--checkpoint", path, "picture.png"], ["evaluate", path, "--data", data],
      ["export", path, "--format", "onnx"],
    ] {
      let outcome = try Program.alexnet(ranks: nil, words)
      #expect(outcome.code == 65, "\(outcome.error)")
      #expect(outcome.error.contains("not a checkpoint of alexnet-train"), "\(outcome.error)")
      #expect(outcome.error.contains("alexnet import "), "\(outcome.error)")
      #expect(outcome.error.contains("to_safetensors.py") == name.contains("pth"))
    }
  }
}
