/// What goes with the weights of a file that a run begins with.
package struct StartingPoint {
  /// How the network that the weights are of reads pictures, for the dataset's classes.
  package let preprocessing: Preprocessing
  /// What a user should know of the weights, a sentence each.
  package let notices: [String]

  /// Makes it from its parts.
  package init(preprocessing: Preprocessing, notices: [String]) {
    (self.preprocessing, self.notices) = (preprocessing, notices)
  }
}
