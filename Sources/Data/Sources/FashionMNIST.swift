package import System

/// Fashion-MNIST (Xiao, Rasul, Vollgraf 2017) as the Debian package dataset-fashion-mnist installs
/// it.
///
/// 60,000 + 10,000 grey 28x28 pictures of clothes, the data of the demonstration.
package enum FashionMNIST {
  /// Where the package puts the files.
  package static let folder = "/usr/share/datasets/fashion-mnist"
  /// The package's name.
  package static let debianPackage = "dataset-fashion-mnist"
  /// The names of its ten classes, in the order of the labels.
  package static let classNames = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
  ]

  /// The folder of the files.
  /// - Throws: `Failure` (input missing) that names the package to install.
  package static func installedFolder() throws(Failure) -> String {
    guard PathBytes("\(folder)/train-images-idx3-ubyte.gz").isFile else {
      throw Failure(
        .inputMissing,
        "Fashion-MNIST is not in \(quoted(folder)); install it with 'apt-get install "
          + "\(debianPackage)'."
      )
    }
    return folder
  }

  // MNIST and its other relatives have files with the same names and lengths.
  private static let firstLabels: [UInt8] = [9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9]

  static func isRecognised(trainLabels: [UInt8]) -> Bool {
    trainLabels.count == 60_000 && trainLabels.starts(with: firstLabels)
  }
}
