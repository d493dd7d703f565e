// swift-tools-version: 6.2
import PackageDescription

// SwiftPM takes packages with compiler flags of their own, as this project's loops need, by their path, not by a
// version: clone the repository beside yours, or add it as a submodule.
let package = Package(
  name: "Predict",
  dependencies: [.package(name: "alexnet-train", path: "../../..")],
  targets: [
    .executableTarget(
      name: "Predict", dependencies: [.product(name: "AlexNet", package: "alexnet-train")])
  ]
)
