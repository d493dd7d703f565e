// swift-tools-version: 6.3
import PackageDescription

// MARK: The MPI that it is built for

/// Open MPI, or MPICH where the environment says `ALEXNET_MPI=mpich`; a build of its own wants a
/// folder of its own, `--scratch-path .build/mpich`.
let mpi: (pkgConfig: String, package: String, settings: [SwiftSetting]) =
  switch Context.environment["ALEXNET_MPI"] ?? "openmpi" {
  case "openmpi": ("ompi-c", "libopenmpi-dev", [])
  case "mpich": ("mpich", "libmpich-dev", [.define("MPICH")])
  case let other: fatalError("ALEXNET_MPI is '\(other)'; it may be openmpi or mpich.")
  }

// MARK: Settings shared by every Swift target

let settings: [SwiftSetting] =
  mpi.settings + [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
  ]

// MARK: Layers of the program, from the bottom up. A module imports only what stands above it here.

let systemLibraries: [Target] = [
  .systemLibrary(name: "CScheduling"),
  .systemLibrary(name: "CTopology", pkgConfig: "hwloc", providers: [.apt(["libhwloc-dev"])]),
  .systemLibrary(name: "CMPI", pkgConfig: mpi.pkgConfig, providers: [.apt([mpi.package])]),
  .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
  .systemLibrary(name: "CLIBXSMM", providers: [.apt(["libxsmm-dev"])]),
  // GLib's flags: those of vips carry -pthread, which SwiftPM warns of.
  .systemLibrary(
    name: "CImages", pkgConfig: "gobject-2.0",
    providers: [.apt(["libvips-dev", "libturbojpeg0-dev", "libpng-dev"])]),
  .systemLibrary(
    name: "CArchive", pkgConfig: "libarchive",
    providers: [.apt(["libarchive-dev", "zlib1g-dev"])]),
  .systemLibrary(name: "CChecksums", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(
    name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
  .systemLibrary(
    name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
]

/// Messages of ONNX, Caffe and TensorBoard: what scripts/make-messages made of their schemas.
///
/// No plugin makes them while the package is built, since SwiftPM lets compilers read them before
/// it is done.
let messages = Target.target(
  name: "CProtobuf", exclude: ["caffe.proto", "event.proto", "onnx.proto"],
  // Assertions would name this folder in programs that are installed elsewhere.
  cSettings: [.define("NDEBUG", .when(configuration: .release))],
  linkerSettings: [.linkedLibrary("protobuf-c")])

/// The same source for each instruction set (the folders are links to one); the best is chosen at
/// run time.
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

/// The commit, where the environment says it, as scripts/install and scripts/quickstart do: SwiftPM
/// keeps what it has read of a manifest, and would not notice another commit by itself.
let commit = (Context.environment["ALEXNET_COMMIT"] ?? "").filter {
  $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")
}
let version = Target.target(
  name: "CVersion", cSettings: commit.isEmpty ? [] : [.define("ALEXNET_COMMIT", to: commit)])

/// Products of bfloat16 numbers by the tiles of Intel's processors.
let tiles = Target.target(name: "CTiles")

let modules: [(name: String, dependencies: [Target.Dependency])] = [
  ("System", ["CScheduling", "CTopology", "CChecksums", "CVersion"]),
  ("Options", ["System"]),
  ("HTTP", ["System", "CMicroHTTPD"]),
  ("JSON", ["System", "CJansson"]),
  ("Safetensors", ["JSON", "System"]),
  ("Tensors", ["COpenBLAS", "CLIBXSMM", "CTiles"]),
  ("Networks", ["JSON", "System"]),
  ("Kernels", []),
  (
    "Layers",
    ["Kernels", "Networks", "Tensors", "System", "CScheduling"]
      + kernels.map { .init(stringLiteral: $0.name) }
  ),
  ("MPI", ["System", "CMPI"]),
  ("Supervision", ["MPI", "System"]),
  ("Launching", ["MPI", "System", "CScheduling"]),
  ("ModelParallel", ["MPI", "Layers", "Networks", "Tensors", "System"]),
  ("Planning", ["ModelParallel", "MPI", "Layers", "Networks", "System"]),
  ("Towers", ["ModelParallel", "MPI", "Layers", "Networks", "Tensors", "System"]),
  ("Images", ["System", "CImages"]),
  ("Data", ["Images", "Tensors", "Safetensors", "JSON", "System", "CScheduling", "CArchive"]),
  (
    "Checkpoints",
    ["Data", "Images", "Towers", "Layers", "Networks", "Tensors", "Safetensors", "JSON", "System"]
  ),
  (
    "AlexNet",
    [
      "Checkpoints", "Data", "Images", "Towers", "ModelParallel", "MPI", "Layers", "Networks",
      "Tensors", "System",
    ]
  ),
  ("Protobuf", ["CProtobuf"]),
  ("TensorBoard", ["Protobuf", "System", "CProtobuf"]),
  (
    "Interchange",
    [
      "Protobuf", "Checkpoints", "Images", "Towers", "Layers", "Networks", "Safetensors", "JSON",
      "System", "CArchive", "CProtobuf",
    ]
  ),
  (
    "Training",
    [
      "TensorBoard", "AlexNet", "Checkpoints", "Data", "Images", "Towers", "ModelParallel",
      "Supervision", "MPI", "Layers", "Kernels", "Networks", "Tensors", "Safetensors", "JSON",
      "Options", "System", "CArchive",
    ]
  ),
  (
    "Evaluation",
    [
      "Training", "Interchange", "AlexNet", "Checkpoints", "Data", "Images", "MPI", "Layers",
      "Networks", "Tensors", "Safetensors", "JSON", "System",
    ]
  ),
  (
    "Report",
    [
      "Evaluation", "Training", "AlexNet", "Data", "Images", "MPI", "Layers", "Networks",
      "Safetensors", "JSON", "System",
    ]
  ),
  ("Experiments", ["Report", "Training", "Networks", "Safetensors", "JSON", "System"]),
]

/// Where the trainer starts: before the dynamic linker, so that no signal kills it while that is at
/// work.
///
/// Not every linker can leave the kernel's way out, lld can; and the code is written for one
/// processor.
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
      "Report", "Training", "Interchange", "Checkpoints", "Data", "Towers", "Planning",
      "ModelParallel", "Supervision", "MPI", "Layers", "Networks", "Safetensors", "Options",
      "System",
    ]
  ),
  (
    "alexnet",
    [
      "Experiments", "Report", "Evaluation", "Training", "Interchange", "AlexNet", "Checkpoints",
      "Data", "Images", "Towers", "Planning", "ModelParallel", "Launching", "Supervision", "MPI",
      "Layers", "Kernels", "Networks", "Tensors", "Safetensors", "JSON", "Options", "HTTP",
      "System",
    ]
  ),
]

let tests: [(name: String, dependencies: [Target.Dependency])] = [
  ("PackageTests", ["TestSupport"]),
  ("SystemTests", ["TestSupport", "System"]),
  ("OptionsTests", ["TestSupport", "Options", "System"]),
  ("HTTPTests", ["HTTP", "System"]),
  ("JSONTests", ["JSON", "System"]),
  ("SafetensorsTests", ["TestSupport", "Safetensors", "System"]),
  ("TensorsTests", ["TestSupport", "Tensors"]),
  (
    "NetworksTests",
    ["TestSupport", "Checkpoints", "Planning", "ModelParallel", "Layers", "Networks", "System"]
  ),
  ("KernelsTests", ["TestSupport", "Layers", "Kernels"]),
  ("LayersTests", ["TestSupport", "Layers", "Networks", "Tensors", "System"]),
  ("MPITests", ["TestSupport", "MPI", "System"]),
  ("SupervisionTests", ["TestSupport", "Supervision", "MPI"]),
  ("LaunchingTests", ["TestSupport", "Launching", "System"]),
  (
    "ModelParallelTests",
    ["TestSupport", "Towers", "ModelParallel", "MPI", "Layers", "Networks", "Tensors", "System"]
  ),
  ("PlanningTests", ["Planning", "ModelParallel", "Layers", "Networks"]),
  (
    "TowersTests",
    [
      "TestSupport", "Towers", "Planning", "ModelParallel", "MPI", "Layers", "Networks", "Tensors",
      "System",
    ]
  ),
  ("ImagesTests", ["TestSupport", "Images", "System"]),
  ("DataTests", ["TestSupport", "Data", "Images", "Tensors", "System"]),
  ("CheckpointsTests", ["TestSupport", "Checkpoints", "System"]),
  (
    "AlexNetTests",
    [
      "TestSupport", "AlexNet", "Checkpoints", "Data", "Images", "Towers", "Layers", "Networks",
      "Safetensors", "System",
    ]
  ),
  ("TensorBoardTests", ["TestSupport", "TensorBoard"]),
  (
    "InterchangeTests",
    [
      "TestSupport", "Interchange", "AlexNet", "Checkpoints", "Data", "Images", "Layers",
      "Networks", "Safetensors", "System", "CProtobuf",
    ]
  ),
  (
    "TrainingTests",
    [
      "TestSupport", "Training", "Checkpoints", "Data", "Towers", "ModelParallel", "MPI", "Layers",
      "Networks", "Safetensors", "Tensors", "JSON", "Options", "System",
    ]
  ),
  ("EvaluationTests", ["TestSupport", "Evaluation", "AlexNet", "Data", "Images", "System"]),
  ("ReportTests", ["TestSupport", "Report"]),
  ("ExperimentsTests", ["TestSupport", "Experiments", "System"]),
  (
    "FuzzTests",
    [
      "TestSupport", "Interchange", "Checkpoints", "Data", "Images", "Networks", "Safetensors",
      "System",
    ]
  ),
  // Not of the programs themselves, which are built with them all the same: what they are linked
  // with is not for the tests.
  ("CommandTests", ["TestSupport", "Safetensors"]),
]

/// What the suites share: references in double precision, checks of gradients and adjoints, the
/// ranks' world.
let testSupport = Target.target(
  name: "TestSupport",
  dependencies: ["Towers", "ModelParallel", "MPI", "Layers", "Networks", "Tensors", "System"],
  path: "Tests/TestSupport",
  swiftSettings: settings)

// MARK: The package

let package = Package(
  name: "alexnet-train",
  products: [
    .executable(name: "alexnet-train", targets: ["alexnet-train"]),
    .executable(name: "alexnet", targets: ["alexnet"]),
    .library(
      name: "AlexNet", targets: ["AlexNet"]),
  ],
  targets: systemLibraries + [messages, version, tiles]
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
      // Charts that a suite compares with.
      .testTarget(
        name: $0.name, dependencies: $0.dependencies,
        exclude: $0.name == "ReportTests" ? ["References"] : [], swiftSettings: settings)
    },
  swiftLanguageModes: [.v6]
)
