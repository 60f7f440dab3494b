"""The package for Debian. Usage: package_test.py BUILD CMAKE COMPILER TEST..."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from installed import run

BUILD, CMAKE, COMPILER = sys.argv[1:4]
del sys.argv[1:4]
CONSUMER = pathlib.Path(__file__).resolve().parent / "consumer"
CPACK = pathlib.Path(CMAKE).with_name("cpack")
# The folder of libraries that the build was told, or Debian's.
LIBDIR = re.search(r"^CMAKE_INSTALL_LIBDIR:\w+=(.+)$", (pathlib.Path(BUILD) / "CMakeCache.txt").read_text(encoding="utf-8"),
                   re.MULTILINE)[1]
TOOLS = ("dpkg-deb", "dpkg-shlibdeps", "file")
# What has to be in it, below /usr.
FILES = (r"bin/hakmem-run", r"include/hakmem/hakmem\.h", r"include/hakmem/hakmem\.hpp", r"share/doc/hakmem/copyright",
         r"share/man/man1/hakmem-run\.1", r"share/man/man3/hakmem\.3",
         *(rf"{LIBDIR}/{name}" for library in ("libhakmem", "libhakmem_hardened")
           for name in (rf"{library}\.a", rf"{library}\.so", rf"{library}\.so\.\d+", rf"{library}\.so\.\d+\.\d+\.\d+")),
         rf"{LIBDIR}/pkgconfig/hakmem\.pc", rf"{LIBDIR}/pkgconfig/hakmem-hardened\.pc",
         rf"{LIBDIR}/cmake/hakmem/hakmem-config\.cmake")


def missing_in(names):
    """The patterns that no name is of."""
    return [pattern for pattern in FILES if not any(re.fullmatch(pattern, name) for name in names)]


class PackageForDebianHasEverything(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="hakmem-package-")
        cls.addClassCleanup(directory.cleanup)
        cls.work = pathlib.Path(directory.name)
        run([CPACK, "-G", "DEB", "--config", f"{BUILD}/CPackConfig.cmake", "-B", cls.work])
        cls.package = next(cls.work.glob("*.deb"))
        run(["dpkg-deb", "-x", cls.package, cls.work / "root"])
        run(["dpkg-deb", "-e", cls.package, cls.work / "control"])
        cls.usr = cls.work / "root/usr"
        cls.names = [str(path.relative_to(cls.usr)) for path in cls.usr.rglob("*")]

    def field(self, name):
        return run(["dpkg-deb", "-f", self.package, name]).strip()

    def test_its_name_and_its_fields(self):
        architecture = run(["dpkg", "--print-architecture"]).strip()
        version = re.search(r'VERSION_STRING "(.*)"', (self.usr / "include/hakmem/hakmem.h").read_text(encoding="utf-8"))[1]
        self.assertEqual(self.package.name, f"hakmem_{version}_{architecture}.deb")
        for name, value in ("Package", "hakmem"), ("Version", version), ("Architecture", architecture), ("Section", "libs"):
            self.assertEqual(self.field(name), value)
        self.assertRegex(self.field("Depends"), r"(^|, )libc6 \(>= [\d.]+\)")
        self.assertNotEqual(self.field("Maintainer"), "")
        self.assertGreaterEqual(len(self.field("Description").splitlines()), 3)

    def test_it_has_the_files(self):
        self.assertEqual(missing_in(self.names), [])
        self.assertEqual("bin/hakmem-check" in self.names, "share/man/man1/hakmem-check.1" in self.names)
        self.assertEqual([name for name in self.names if name.startswith("local")], [])

    def test_a_missing_file_would_be_noticed(self):
        self.assertEqual(missing_in([name for name in self.names if not name.endswith("hakmem.3")]), [FILES[5]])

    def test_nothing_in_it_names_the_folder_it_was_built_in(self):
        texts = [path for path in self.usr.rglob("*") if path.suffix in (".pc", ".cmake", ".1", ".3") or path.name == "hakmem-run"]
        self.assertGreaterEqual(len(texts), 6)
        for path in texts:
            self.assertNotIn(BUILD, path.read_text(encoding="utf-8"), path)

    def test_the_loader_is_told(self):
        control = self.work / "control"
        self.assertIn("activate-noawait ldconfig", (control / "triggers").read_text(encoding="utf-8"))
        self.assertIn("libhakmem_hardened 0 hakmem", (control / "shlibs").read_text(encoding="utf-8"))

    def test_hakmem_run_from_it(self):
        for options, library in ([], "libhakmem.so"), (["--hardened"], "libhakmem_hardened.so"):
            done = run([self.usr / "bin/hakmem-run", *options, "grep", "-c", re.escape(library), "/proc/self/maps"])
            self.assertGreater(int(done), 0)

    def test_the_consumer_from_it(self):
        build = self.work / "consumer"
        run([CMAKE, "-G", "Ninja", "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={self.usr}",
             f"-DCMAKE_CXX_COMPILER={COMPILER}"])
        self.assertIn(str(self.usr), (build / "CMakeCache.txt").read_text(encoding="utf-8"))
        run([CMAKE, "--build", build])
        self.assertIn("malloc belongs to libhakmem.so", run([build / "consumer_shared"]))
        self.assertIn("malloc belongs to libhakmem_hardened.so", run([build / "consumer_hardened"]))

    def test_the_checker_from_it(self):
        if "bin/hakmem-check" not in self.names:
            self.skipTest("this build has no hakmem-check (HAKMEM_PACKAGE_CHECKER)")
        said = subprocess.run([self.usr / "bin/hakmem-check", "run", "--quick", "remote_word"], text=True, capture_output=True,
                              check=False, cwd=self.work)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertEqual(sorted(path.name for path in (self.usr / "bin").iterdir()), ["hakmem-check", "hakmem-run"])
        self.assertIn("libstdc++6", self.field("Depends"))


if __name__ == "__main__":
    absent = [name for name in TOOLS if shutil.which(name) is None]
    if absent or not CPACK.exists():
        print("skipped: not installed: " + ", ".join(absent or ["cpack"]))
        sys.exit(3)
    unittest.main()
