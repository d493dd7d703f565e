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
  name: "CProtobuf", exclude: ["caffe.proto", "event.proto", "onnx.proto"],
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
  ("JSON", ["Failures"]),
  ("Safetensors", ["JSON", "Failures"]),
  ("Threads", ["CScheduling"]),
  ("Console", ["Threads", "Failures"]),
  ("MPI", ["COpenMPI", "Threads", "Failures"]),
  ("Supervision", ["MPI", "Threads", "Failures"]),
  ("Tensors", ["COpenBLAS"]),
  ("Images", ["CImages", "Failures"]),
  (
    "Data",
    [
      "CArchive", "CScheduling", "Checksums", "Images", "Safetensors", "JSON", "Tensors", "Console",
      "Threads", "Failures",
    ]
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
      "Layers", "ModelParallel", "MPI", "Data", "Images", "Safetensors", "JSON", "Checksums",
      "Tensors", "Threads", "Failures",
    ]
  ),
  ("Protobuf", ["CProtobuf"]),
  ("TensorBoard", ["CProtobuf", "Protobuf", "Failures"]),
  (
    "Interchange",
    [
      "CArchive", "CProtobuf", "Protobuf", "AlexNet", "Checksums", "Data", "Images",
      "ModelParallel", "Layers", "Safetensors", "JSON", "Failures",
    ]
  ),
  (
    "Training",
    [
      "TensorBoard", "Images", "Interchange", "AlexNet", "Data", "Safetensors", "JSON",
      "ModelParallel", "Layers", "Kernels", "Supervision", "MPI", "Tensors", "Console", "Checksums",
      "Threads", "Failures",
    ]
  ),
  (
    "Evaluation",
    [
      "Interchange", "Training", "AlexNet", "Data", "Images", "Safetensors", "JSON", "Layers",
      "MPI", "Tensors", "Console", "Threads", "Failures",
    ]
  ),
  (
    "Report",
    [
      "Evaluation", "Training", "AlexNet", "Data", "Images", "Safetensors", "JSON", "Layers", "MPI",
      "Failures",
    ]
  ),
]

/// Where the trainer starts: before the dynamic linker, so that no signal kills it while that is at work.
///
/// Not every linker can leave the kernel's way out, lld can; and the code is written for one processor.
var start: (targets: [Target], dependencies: [Target.Dependency], settings: [LinkerSetting]) = (
  [], [], []
)
#if os(Linux) && arch(x86_64)
  start = (
    [
      .target(
        name: "CStart",
        cSettings: [.unsafeFlags(["-ffreestanding", "-fno-stack-protector", "-fPIC"])])
    ],
    ["CStart"],
    [
      .unsafeFlags([
        "-use-ld=lld", "-Xlinker", "--no-dynamic-linker", "-Xlinker", "--entry=alexnet_entry",
      ])
    ]
  )
#endif

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
      "Safetensors", "JSON", "Supervision",
    ]
  ),
]

let tests: [(name: String, dependencies: [Target.Dependency])] = [
  ("PackageTests", []),
  ("TensorsTests", ["TestSupport", "Tensors"]),
  ("ThreadsTests", ["Threads"]),
  ("FailuresTests", ["TestSupport", "Failures"]),
  ("ChecksumsTests", ["Checksums"]),
  ("OptionsTests", ["Options", "Failures"]),
  ("JSONTests", ["JSON", "Failures"]),
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
    [
      "TestSupport", "Interchange", "CProtobuf", "AlexNet", "Data", "Images", "Layers",
      "Safetensors", "Failures",
    ]
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
  // Not of the programs themselves, which are built with them all the same: what they are linked with is not for the tests.
  ("CommandTests", ["TestSupport", "Safetensors"]),
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
    + start.targets
    + programs.map {
      let isTrainer = $0.name == "alexnet-train"
      return .executableTarget(
        name: $0.name, dependencies: $0.dependencies + (isTrainer ? start.dependencies : []),
        swiftSettings: settings, linkerSettings: isTrainer ? start.settings : [])
    }
    + [testSupport]
    + tests.map {
      .testTarget(name: $0.name, dependencies: $0.dependencies, swiftSettings: settings)
    },
  swiftLanguageModes: [.v6]
)
