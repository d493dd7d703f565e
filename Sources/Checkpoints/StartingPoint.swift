/// What goes with the weights of a file that a run begins with.
public struct StartingPoint {
  /// How the network that the weights are of reads pictures, for the dataset's classes.
  public let preprocessing: Preprocessing
  /// What a user should know of the weights, a sentence each.
  public let notices: [String]

  /// Makes it from its parts.
  public init(preprocessing: Preprocessing, notices: [String]) {
    (self.preprocessing, self.notices) = (preprocessing, notices)
  }
}
