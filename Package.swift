// swift-tools-version: 6.2
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
    providers: [.apt(["libarchive-dev", "zlib1g-dev", "libssl-dev"])]),
]

let modules: [(name: String, dependencies: [Target.Dependency])] = [
  ("Failures", []),
  ("Options", ["Failures"]),
  ("Safetensors", ["Failures"]),
  ("Threads", ["CScheduling"]),
  ("Console", ["Threads", "Failures"]),
  ("MPI", ["COpenMPI", "Failures"]),
  ("Tensors", ["COpenBLAS"]),
  ("Images", ["CImages", "Failures"]),
  ("Data", ["CArchive", "Images", "Safetensors", "Tensors", "Console", "Threads", "Failures"]),
  ("Kernels", []),
  (
    "Layers",
    ["Kernels", "KernelsBase", "KernelsAVX2", "KernelsAVX512", "CScheduling", "Tensors", "Threads"]
  ),
  ("ModelParallel", ["Layers", "MPI", "Tensors", "Threads", "Failures"]),
  ("AlexNet", ["Layers", "ModelParallel", "MPI", "Tensors", "Threads", "Failures"]),
  (
    "Training",
    [
      "AlexNet", "Data", "Safetensors", "ModelParallel", "Layers", "MPI", "Tensors", "Console",
      "Threads", "Failures",
    ]
  ),
]

/// The same source for each instruction set (the folders are links to one); the best is chosen at run time.
let kernels: [(name: String, flags: [String], define: String)] = [
  ("KernelsBase", [], "BASELINE_KERNELS"),
  ("KernelsAVX2", ["-mavx2", "-mfma"], "AVX2_KERNELS"),
  (
    "KernelsAVX512", ["-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mfma"],
    "AVX512_KERNELS"
  ),
]

let programs: [(name: String, dependencies: [Target.Dependency])] = [
  (
    "alexnet-train",
    [
      "Training", "AlexNet", "Data", "Safetensors", "ModelParallel", "Layers", "Kernels", "MPI",
      "Tensors",
      "Threads",
      "Options", "Failures",
    ]
  ),
  ("alexnet", ["Data", "Images", "MPI", "Options", "Threads", "Failures"]),
]

let tests: [(name: String, dependencies: [Target.Dependency])] = [
  ("ImagesTests", ["Images", "Failures"]),
  ("DataTests", ["Data", "Images", "Tensors", "Threads", "Failures"]),
  ("TrainingTests", ["Training", "Layers", "Tensors", "Threads"]),
  ("CommandTests", ["alexnet-train", "alexnet"]),
]

// MARK: The package

let package = Package(
  name: "alexnet-train",
  products: [
    .executable(name: "alexnet-train", targets: ["alexnet-train"]),
    .executable(name: "alexnet", targets: ["alexnet"]),
    .library(name: "AlexNet", targets: ["AlexNet"]),
  ],
  targets: systemLibraries
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
    + tests.map {
      .testTarget(name: $0.name, dependencies: $0.dependencies, swiftSettings: settings)
    },
  swiftLanguageModes: [.v6]
)
