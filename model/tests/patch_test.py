"""The patch of the checker's headers: it applies to what is installed, and says so loudly when it does not apply."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE = SCRIPT = PATCH = INSTALLED = None


class Patching(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.source = self.root / "include"
        shutil.copytree(INSTALLED / "relacy", self.source / "relacy")

    def apply(self, patch):
        return subprocess.run([CMAKE, "-D", f"source={self.source}", "-D", f"destination={self.root / 'patched'}",
                               "-D", f"patch={patch}", "-P", SCRIPT], text=True, capture_output=True, check=False)

    def change(self, name, old, new):
        path = self.source / "relacy" / name
        text = path.read_bytes()
        self.assertIn(old, text)
        path.write_bytes(text.replace(old, new))

    def assert_refused(self, done, text):
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(text, done.stderr)
        self.assertFalse((self.root / "patched" / "relacy" / "thread.hpp").exists())

    def test_applies_to_the_installed_headers(self):
        done = self.apply(PATCH)
        self.assertEqual(done.returncode, 0, done.stderr)
        patched = (self.root / "patched" / "relacy" / "thread.hpp").read_text()
        self.assertIn("prev.busy_ && rmw;", patched)
        self.assertNotIn("index_ == prev.thread_id_", patched)

    def test_applies_inside_a_repository_too(self):
        subprocess.run(["git", "init", "-q", self.root], check=True)
        self.test_applies_to_the_installed_headers()

    def test_refuses_another_version(self):
        self.change("thread.hpp", b"(rmw || (index_ == prev.thread_id_))", b"(rmw || (prev.thread_id_ == index_))")
        self.assert_refused(self.apply(PATCH), "does not apply")

    def test_refuses_headers_that_are_patched_already(self):
        self.change("defs.hpp", b"atomic_history_size = 3", b"atomic_history_size = 5")
        self.assert_refused(self.apply(PATCH), "does not apply")

    def test_refuses_a_patch_without_content(self):
        empty = self.root / "empty.patch"
        empty.write_text("")
        self.assert_refused(self.apply(empty), "does not apply")

    def test_refuses_when_nothing_is_installed(self):
        shutil.rmtree(self.source / "relacy")
        self.assert_refused(self.apply(PATCH), "no headers")


if __name__ == "__main__":
    CMAKE, SCRIPT, PATCH, INSTALLED = (pathlib.Path(sys.argv.pop(1)) for _ in range(4))
    unittest.main()
