/// What belongs to the pretrained weights of a run.
package struct StartingPoint {
  /// How the weights' network reads pictures, with the dataset's classes.
  package let preprocessing: Preprocessing
  /// Notes on the weights for the user, one sentence each.
  package let notices: [String]

  package init(preprocessing: Preprocessing, notices: [String]) {
    (self.preprocessing, self.notices) = (preprocessing, notices)
  }
}
