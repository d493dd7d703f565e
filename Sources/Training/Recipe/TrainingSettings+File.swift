import JSON
import Options
package import System

extension TrainingSettings {
  /// Reads a file like config.json that a user may have written.
  /// - Parameter path: The file, or a run's folder with its config.json.
  /// - Throws: `Failure` (inputMissing) if it is not there, (badData) if it is invalid, lacks a
  ///   setting, or has one that this program does not know: by name and line.
  package init(configuration path: String) throws(Failure) {
    let isFolder = FileStatus(path)?.isFolder == true
    let path = isFolder ? RunDirectory(path).configuration : path
    guard FileStatus(path) != nil else {
      throw Failure(
        .inputMissing,
        "There is no file \(quoted(path)); --config takes the config.json of a run.")
    }
    let text = try TextFile.read(path, limit: JSONText.longestByHand)
    try JSONText.check(Array(text.utf8)[...], from: path)
    let members = JSONText.members(of: text)
    func unknown(_ member: (path: [String], line: Int), _ meant: String?) -> Failure {
      Failure(
        .badData,
        "\(quoted(path)), line \(member.line): \(quoted(member.path.joined(separator: "."))) is no "
          + "setting of this program"
          + (meant.map { "; did you mean \(quoted($0))?" } ?? "."))
    }
    do {
      _ = try JSONText.value(Self.self, Array(text.utf8), from: path)
    } catch DecodingError.keyNotFound(let key, let context) {
      let parent = context.codingPath.map(\.stringValue)
      let siblings = members.filter { $0.path.dropLast() == parent[...] }
      let near = Hint.nearest(
        to: key.stringValue.lowercased(), among: siblings.map { $0.path[parent.count] })
      if let near = siblings.first(where: { $0.path.last == near }) {
        throw unknown(near, key.stringValue)
      }
      throw Failure(
        .badData,
        "\(quoted(path)) lacks \(quoted((parent + [key.stringValue]).joined(separator: "."))); "
          + "--config takes a whole config.json.")
    } catch {
      // The next line says what is wrong.
    }
    try self.init(text, from: path)
    // Names of a network's own are checked as it is read.
    let known = Set(JSONText.members(of: json).map(\.path))
    for member in members where member.path[0] != "network" && !known.contains(member.path) {
      let names = names(at: member.path.dropLast())
      throw unknown(member, Hint.nearest(to: member.path.last ?? "", among: names))
    }
  }

  /// The names of the settings at some place, those that have no value too.
  private func names(at path: ArraySlice<String>) -> [String] {
    func mirror(_ value: Any) -> Mirror {
      let mirror = Mirror(reflecting: value)
      guard mirror.displayStyle == .optional, let some = mirror.children.first else {
        return mirror
      }
      return Mirror(reflecting: some.value)
    }
    var place: Any = self
    for name in path {
      guard let child = mirror(place).children.first(where: { $0.label == name }) else { return [] }
      place = child.value
    }
    return mirror(place).children.compactMap(\.label)
  }
}
