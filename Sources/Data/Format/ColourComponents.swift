/// The principal components of the colours of a training set, along which PCA colour augmentation
/// shifts pixels (Krizhevsky 2012, section 4.1).
///
/// They are of pixels scaled to [0, 1], so an eigenvalue is a variance of about 0.01 to 0.1.
package struct ColourComponents: Equatable, Sendable {
  /// The variances lambda_i along the components, the largest first.
  package let eigenvalues: [Double]
  /// The components p_i as (R, G, B) of length 1; `eigenvectors[i]` belongs to `eigenvalues[i]`.
  ///
  /// The element of largest magnitude is positive.
  package let eigenvectors: [[Double]]

  /// Takes components as they are: three eigenvalues, three vectors of three.
  package init(eigenvalues: [Double], eigenvectors: [[Double]]) {
    precondition(
      eigenvalues.count == 3 && eigenvectors.count == 3
        && eigenvectors.allSatisfy { $0.count == 3 },
      "Colours must have three components.")
    self.eigenvalues = eigenvalues
    self.eigenvectors = eigenvectors
  }

  /// Finds the components of a symmetric 3x3 covariance matrix by Jacobi rotations.
  ///
  /// Each rotation makes one off-diagonal pair zero and adds less to the others, and the process
  /// converges quadratically (Golub, Van Loan: Matrix Computations, 8.5). For a 3x3 matrix it
  /// reaches rounding error after four or five sweeps, and needs no library.
  package init(covariance: [[Double]]) {
    precondition(
      covariance.count == 3 && covariance.allSatisfy { $0.count == 3 },
      "The covariance must be a 3x3 matrix.")
    var a = covariance
    var v: [[Double]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    for _ in 0..<32 {
      for (p, q) in [(0, 1), (0, 2), (1, 2)] where a[p][q] != 0 {
        // tan of the smaller of the two angles that make a[p][q] zero.
        let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let root = (theta * theta + 1).squareRoot()
        let t = (theta < 0 ? -1 : 1) / (theta.magnitude + root)
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<3 {
          (a[k][p], a[k][q]) = (c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q])
        }
        for k in 0..<3 {
          (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k])
        }
        for k in 0..<3 {
          (v[k][p], v[k][q]) = (c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q])
        }
        (a[p][q], a[q][p]) = (0, 0)
      }
    }
    let order = [0, 1, 2].sorted { a[$0][$0] > a[$1][$1] }
    // A variance cannot be negative; rounding may make a zero negative.
    eigenvalues = order.map { max(0, a[$0][$0]) }
    eigenvectors = order.map { column in
      let vector = (0..<3).map { v[$0][column] }
      let largest = vector.max { $0.magnitude < $1.magnitude } ?? 0
      return largest < 0 ? vector.map { -$0 } : vector
    }
  }
}
