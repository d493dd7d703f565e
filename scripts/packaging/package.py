# A Spack recipe: put it into packages/alexnet-train/ of a Spack repository of your own, with the archive's address.
from spack.package import *


class AlexnetTrain(Package):
    """Trains the network of Krizhevsky, Sutskever and Hinton (2012), one MPI rank a tower, on CPUs."""

    # The address of the repository, or a checkout's path: file:///home/you/alexnet-train
    git = "file:///path/to/alexnet-train"

    license("MIT")

    version("main", branch="main")

    # Swift 6.3 is no package of Spack: https://www.swift.org/install/linux, as an external one or on the PATH.
    depends_on("c", type="build")
    depends_on("binutils", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("openmpi@4.1")
    depends_on("openblas threads=pthreads")
    depends_on("libxsmm")
    depends_on("hwloc")
    depends_on("libvips")
    depends_on("libjpeg-turbo")
    depends_on("libpng")
    depends_on("libarchive")
    depends_on("zlib-api")
    depends_on("openssl@3:")
    depends_on("protobuf-c")
    depends_on("libmicrohttpd")
    depends_on("jansson")

    def setup_build_environment(self, env):
        # SwiftPM keeps what it downloads and knows in the home folder.
        env.set("HOME", self.stage.path)

    def install(self, spec, prefix):
        if which("swift") is None:
            raise InstallError("swift is not on the PATH: install Swift 6.3 from https://www.swift.org/install/linux")
        bash = which("bash", required=True)
        bash("scripts/install", "--prefix", prefix)

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_version(self):
        Executable(join_path(self.prefix.bin, "alexnet-train"))("--version")
