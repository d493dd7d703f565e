// swift-tools-version: 6.3
import PackageDescription

// MARK: Settings shared by every Swift target

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

// MARK: Layers of the program, from the bottom up. A module imports only what stands above it here.

let systemLibraries: [Target] = [
  .systemLibrary(name: "CScheduling"),
  .systemLibrary(name: "COpenMPI", pkgConfig: "mpi-c", providers: [.apt(["libopenmpi-dev"])]),
  .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
  // GLib's flags: those of vips carry -pthread, which SwiftPM warns of.
  .systemLibrary(
    name: "CImages", pkgConfig: "gobject-2.0",
    providers: [.apt(["libvips-dev", "libturbojpeg0-dev", "libpng-dev"])]),
  .systemLibrary(
    name: "CArchive", pkgConfig: "libarchive",
    providers: [.apt(["libarchive-dev", "zlib1g-dev"])]),
  .systemLibrary(name: "CChecksums", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
]

/// Messages of ONNX, Caffe and TensorBoard: what scripts/make-messages made of their schemas.
///
/// No plugin makes them while the package is built, since SwiftPM lets compilers read them before it is done.
let messages = Target.target(
  name: "CProtobuf", exclude: ["caffe.proto", "event.proto"],
  linkerSettings: [.linkedLibrary("protobuf-c")])

/// The same source for each instruction set (the folders are links to one); the best is chosen at run time.
var kernels: [(name: String, flags: [String], define: String)] = [
  ("KernelsBase", [], "BASELINE_KERNELS")
]
#if arch(x86_64)
  kernels += [
    ("KernelsAVX2", ["-mavx2", "-mfma"], "AVX2_KERNELS"),
    (
      "KernelsAVX512", ["-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mfma"],
      "AVX512_KERNELS"
    ),
  ]
#endif

let modules: [(name: String, dependencies: [Target.Dependency])] = [
  ("Failures", []),
  ("Options", ["Failures"]),
  ("Checksums", ["CChecksums"]),
  ("Safetensors", ["Failures"]),
  ("Threads", ["CScheduling"]),
  ("Console", ["Threads", "Failures"]),
  ("MPI", ["COpenMPI", "Threads", "Failures"]),
  ("Supervision", ["MPI", "Threads", "Failures"]),
  ("Tensors", ["COpenBLAS"]),
  ("Images", ["CImages", "Failures"]),
  (
    "Data",
    ["CArchive", "Checksums", "Images", "Safetensors", "Tensors", "Console", "Threads", "Failures"]
  ),
  ("Kernels", []),
  (
    "Layers",
    ["Kernels", "CScheduling", "Tensors", "Threads"] + kernels.map { .init(stringLiteral: $0.name) }
  ),
  ("ModelParallel", ["Layers", "MPI", "Tensors", "Threads", "Failures"]),
  (
    "AlexNet",
    [
      "Layers", "ModelParallel", "MPI", "Data", "Images", "Safetensors", "Checksums", "Tensors",
      "Threads", "Failures",
    ]
  ),
  ("Protobuf", ["CProtobuf"]),
  ("TensorBoard", ["CProtobuf", "Protobuf", "Failures"]),
  (
    "Interchange",
    [
      "CArchive", "CProtobuf", "Protobuf", "AlexNet", "Checksums", "Data", "ModelParallel",
      "Layers", "Safetensors", "Failures",
    ]
  ),
  (
    "Training",
    [
      "TensorBoard", "Images", "Interchange", "AlexNet", "Data", "Safetensors", "ModelParallel",
      "Layers", "Kernels", "Supervision", "MPI", "Tensors", "Console", "Checksums", "Threads",
      "Failures",
    ]
  ),
  (
    "Evaluation",
    [
      "Interchange", "Training", "AlexNet", "Data", "Safetensors", "Layers", "MPI", "Tensors",
      "Console",
      "Threads",
      "Failures",
    ]
  ),
  (
    "Report",
    [
      "Evaluation", "Training", "AlexNet", "Data", "Images", "Safetensors", "Layers", "MPI",
      "Failures",
    ]
  ),
]

let programs: [(name: String, dependencies: [Target.Dependency])] = [
  (
    "alexnet-train",
    [
      "Training", "AlexNet", "Data", "Safetensors", "ModelParallel", "Layers", "Supervision", "MPI",
      "Checksums", "Threads", "Options", "Failures",
    ]
  ),
  (
    "alexnet",
    [
      "Report", "Evaluation", "Training", "AlexNet", "Data", "Images", "ModelParallel", "Layers",
      "MPI", "Tensors", "Threads", "Console", "Options", "Failures", "Kernels", "Interchange",
      "Safetensors", "Supervision",
    ]
  ),
]

let tests: [(name: String, dependencies: [Target.Dependency])] = [
  ("PackageTests", []),
  ("TensorsTests", ["TestSupport", "Tensors"]),
  ("ThreadsTests", ["Threads"]),
  ("ChecksumsTests", ["Checksums"]),
  ("OptionsTests", ["Options", "Failures"]),
  ("SafetensorsTests", ["TestSupport", "Safetensors", "Failures"]),
  ("KernelsTests", ["TestSupport", "Kernels", "Layers"]),
  ("LayersTests", ["TestSupport", "Layers", "Tensors", "Threads"]),
  ("MPITests", ["TestSupport", "MPI"]),
  ("SupervisionTests", ["TestSupport", "Supervision", "MPI"]),
  ("ModelParallelTests", ["TestSupport", "ModelParallel", "Layers", "MPI", "Tensors", "Failures"]),
  (
    "AlexNetTests",
    [
      "TestSupport", "AlexNet", "Data", "Safetensors", "ModelParallel", "Layers", "MPI", "Tensors",
      "Failures",
    ]
  ),
  (
    "InterchangeTests",
    ["TestSupport", "Interchange", "CProtobuf", "AlexNet", "Layers", "Safetensors", "Failures"]
  ),
  (
    "FuzzTests",
    [
      "TestSupport", "Interchange", "AlexNet", "Data", "Images", "Safetensors", "Threads",
      "Failures",
    ]
  ),
  ("ImagesTests", ["TestSupport", "Images", "Failures"]),
  (
    "DataTests",
    ["TestSupport", "Checksums", "Data", "Images", "Tensors", "Threads", "Failures"]
  ),
  (
    "TrainingTests",
    [
      "TestSupport", "Training", "AlexNet", "ModelParallel", "Data", "Layers", "Tensors",
      "Threads", "Failures",
    ]
  ),
  (
    "EvaluationTests",
    [
      "TestSupport", "Evaluation", "Training", "AlexNet", "Data", "Safetensors", "Layers", "MPI",
      "Failures",
    ]
  ),
  ("ReportTests", ["TestSupport", "Report", "Training", "Failures"]),
  ("TensorBoardTests", ["TensorBoard"]),
  ("CommandTests", ["TestSupport", "Safetensors", "alexnet-train", "alexnet"]),
]

/// What the suites share: references in double precision, checks of gradients and adjoints, the ranks' world.
let testSupport = Target.target(
  name: "TestSupport", dependencies: ["Layers", "MPI", "Tensors"], path: "Tests/TestSupport",
  swiftSettings: settings)

// MARK: The package

let package = Package(
  name: "alexnet-train",
  products: [
    .executable(name: "alexnet-train", targets: ["alexnet-train"]),
    .executable(name: "alexnet", targets: ["alexnet"]),
    .library(name: "AlexNet", targets: ["AlexNet"]),
  ],
  targets: systemLibraries + [messages]
    + kernels.map { set in
      .target(
        name: set.name, dependencies: ["Kernels"],
        swiftSettings: settings + [
          .define(set.define),
          .unsafeFlags(
            (set.flags + ["-fno-math-errno"]).flatMap { ["-Xcc", $0] } + ["-Ounchecked"]),
        ])
    }
    + modules.map { .target(name: $0.name, dependencies: $0.dependencies, swiftSettings: settings) }
    + programs.map {
      .executableTarget(name: $0.name, dependencies: $0.dependencies, swiftSettings: settings)
    }
    + [testSupport]
    + tests.map {
      .testTarget(name: $0.name, dependencies: $0.dependencies, swiftSettings: settings)
    },
  swiftLanguageModes: [.v6]
)
