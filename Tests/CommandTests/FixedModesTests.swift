import Foundation
import Glibc
import TestSupport
import Testing

/// A file system that gives everything a mode of its own, as CIFS does: a library under the program
/// says so of every file and folder, whatever was asked for.
@Suite(.serialized) struct FixedModesTests {
  private static let library = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <sys/stat.h>
    #define FIX(name, declared, passed) \\
      int name declared { \\
        static int (*real) declared; \\
        if (!real) real = dlsym(RTLD_NEXT, #name); \\
        int code = real passed; \\
        if (code == 0 && !S_ISCHR(status->st_mode)) status->st_mode |= 0777; \\
        return code; \\
      }
    FIX(stat, (const char *path, struct stat *status), (path, status))
    FIX(lstat, (const char *path, struct stat *status), (path, status))
    FIX(fstat, (int file, struct stat *status), (file, status))
    FIX(fstatat, (int folder, const char *path, struct stat *status, int flags), (folder, path, status, flags))
    """

  @Test func whereModesAreFixedTrainingWarnsOnceAndGoesOn() throws {
    let scratch = TemporaryFolder()
    let (source, library) = (scratch.path + "/modes.c", scratch.path + "/modes.so")
    try Self.library.write(toFile: source, atomically: true, encoding: .utf8)
    let built = try Program.run(
      ["/usr/bin/env", "cc", "-shared", "-fPIC", "-o", library, source, "-ldl"])
    try #require(built.code == 0, "\(built.error)")
    let training = [
      "\(Program.folder)/alexnet-train", "--data", try Pictures.tiny.get().path + "/dataset",
      "--network", "cifar-four-layer", "--batch-size", "20", "--max-steps", "2", "--out",
      scratch.path + "/run",
    ]
    for words in [training, training + ["--resume"]] {
      let outcome = try Program.run(["/usr/bin/env", "LD_PRELOAD=\(library)"] + words)
      #expect(outcome.code == 0, "\(outcome.error)")
      let warnings = outcome.output.components(
        separatedBy: "gives files an owner or a mode of its own")
      #expect(warnings.count == 2, "\(outcome.output)")
    }
    // Where modes can be set, what others may write to is refused as before.
    chmod(scratch.path + "/run", 0o777)
    let refused = try Program.run(training + ["--resume"])
    #expect(refused.code == 73 && refused.error.contains("chmod 700"), "\(refused.error)")
    let files = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/run")
    #expect(!files.contains { $0.hasPrefix(".alexnet") }, "\(files)")
  }
}
