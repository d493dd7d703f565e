import Data
import Testing

/// What is said of classes with few images.
@Suite struct ClassScarcityTests {
  private func notice(_ counts: [Int]) -> String? {
    ClassScarcity(counts, names: ["a", "b", "c"]).notice(of: "validation")
  }

  @Test func classesWithoutImagesAndWithFewAreNamed() {
    #expect(notice([10, 10, 11]) == nil)
    #expect(
      notice([0, 10, 10])
        == "1 of 3 classes has no validation image ('a'): nothing is measured of it.")
    let both = notice([0, 9, 0])
    #expect(both?.contains("2 of 3 classes have no validation image ('a', 'c')") == true)
    #expect(both?.contains("1 of 3 classes has fewer than 10 validation images ('b')") == true)
  }

  @Test func manyClassesAreNotAllNamed() {
    let names = (0..<20).map { "class \($0)" }
    let notice = ClassScarcity([Int](repeating: 0, count: 20), names: names).notice(of: "test")
    #expect(notice?.contains("'class 4' and 15 more)") == true)
  }
}
