"""The long list: what users of allocators run in the field. Servers with many processes or threads, runtimes with a
memory of their own beside malloc, programs that lock memory, limit it, or look into others."""
import dataclasses
import pathlib

from hakmem_ci.jobs.programs.program import Program, python_of_the_system

QUIET = {"PYTHONDONTWRITEBYTECODE": "1"}  # no files beside the scripts
ADDRESS = (r"0x[0-9a-f]+", "0x")
RUSTC = "/usr/bin/rustc"  # the system's: others choose by what is in HOME which one they are
POSTGRES = pathlib.Path("/usr/lib/postgresql")  # a folder for each version


def long_list(inputs, quick):
    """The programs that run with --all, or when they are named. `inputs` is the directory of their input files."""
    scale = 1 if quick else 2
    programs = (*servers(inputs, scale), *runtimes(inputs, scale), *tools(inputs, scale), *browsers(inputs))
    return [dataclasses.replace(program, long=True) for program in programs]


def newest(folder):
    """The subfolder with the highest version; where there is none, a name that is not there."""
    versions = [path for path in folder.glob("*") if path.name.replace(".", "").isdecimal()]
    return max(versions, key=lambda path: [int(part) for part in path.name.split(".") if part], default=folder / "none")


def servers(inputs, scale):
    python = python_of_the_system()
    postgres = newest(POSTGRES) / "bin"
    return [
        Program("postgresql", ((python, inputs / "postgres_session.py", scale, postgres),),
                ("initdb", "postgres", "pgbench", "psql", "pg_dump", "pg_restore"),
                {str(postgres / "postgres"): "postgresql", str(postgres / "pgbench"): "postgresql"}, QUIET,
                without_root=True),
        Program("memcached", ((python, inputs / "memcached_session.py", scale),), ("memcached",),
                {"memcached": "memcached"}, QUIET),
        Program("vsftpd", ((python, inputs / "vsftpd_session.py", scale),), ("vsftpd",), {"vsftpd": "vsftpd"}, QUIET),
    ]


def runtimes(inputs, scale):
    java = ("java", "-Xmx256m", "-XX:MaxDirectMemorySize=64m", "-cp", "classes")
    return [
        Program("openjdk", (("javac", "-J-Xmx256m", "-Xlint:all", "-d", "classes", inputs / "Workload.java"),
                            *((*java, f"-XX:+Use{collector}GC", "Workload", scale) for collector in ("G1", "Z", "Serial"))),
                ("javac", "java"), {"javac": "default-jdk-headless", "java": "default-jdk-headless"}),
        Program("node-workers", (("node", inputs / "node_workers.js", scale),), ("node",), {"node": "nodejs"}),
        # The tool keeps what it has compiled below HOME, which is the program's directory.
        Program("go", (("go", "build", "-o", "workload", inputs / "cgo_workload.go"), ("./workload", 5 * scale)),
                ("go", "workload"), {"go": "golang-go", "gcc": "g++"}, {"GOFLAGS": "", "GOTOOLCHAIN": "local"}),
        Program("rust", ((RUSTC, "--edition", "2021", "-O", inputs / "threads.rs", "-o", "workload"),
                         ("./workload", scale)), ("rustc", "workload"), {RUSTC: "rustc", "gcc": "g++"}),
        Program("ruby", (("ruby", "-W:no-experimental", inputs / "ruby_workload.rb", scale),), ("ruby*",), {"ruby": "ruby"}),
        # Without its extensions, which are loaded so that they see the C library's free and not the preloaded one, and
        # give that blocks of the preloaded malloc.
        Program("php", (("php", "-n", "-d", "memory_limit=-1", inputs / "php_workload.php", scale),), ("php*",),
                {"php": "php-cli"}, {"USE_ZEND_ALLOC": "0"}),
    ]


def tools(inputs, scale):
    return [
        stress_ng(scale),
        Program("gdb", (("g++", "-O1", "-g", inputs / "debugged.cpp", "-o", "debugged", "-pthread"),
                        ("gdb", "-nx", "-batch", "-x", inputs / "calls.gdb", "-ex", f"run {10 * scale}", "-ex",
                         r'printf "%d stops, %d characters, %d wrong\n", $stops, $sum, $wrong', "./debugged")),
                ("gdb", "debugged"), {"gdb": "gdb", "g++": "g++"},
                hides=(ADDRESS, (r"\(process \d+\)", "(process)"), (r"^\[Switching to .*\n", ""))),
        numpy_tests(scale),
    ]


def stress_ng(scale):
    """So many operations of each kind, however long they take. Not --brk: it writes into the page before the first one
    that it asks for, which is there only if malloc has its blocks where sbrk has them."""
    kinds = (("--malloc", 2, 1000, "--malloc-bytes", "8m", "--malloc-max", "1000", "--malloc-pthreads", "3", "--malloc-touch"),
             ("--mlock", 2, 500), ("--mmap", 2, 10, "--mmap-bytes", "16m"),
             ("--mremap", 2, 30, "--mremap-bytes", "16m"), ("--sigsegv", 1, 300),
             ("--pthread", 2, 500), ("--fork", 2, 100), ("--vfork", 1, 100), ("--clone", 1, 100),
             ("--tree", 2, 3, "--tree-size", "20000"), ("--hsearch", 2, 30), ("--tsearch", 2, 3, "--tsearch-size", "20000"))
    always = ("stress-ng", "--timeout", "0", "--verify", "--seed", "1")
    commands = tuple((*always, kind, workers, f"{kind}-ops", count * scale, *more)
                     for kind, workers, count, *more in kinds)
    return Program("stress-ng", commands, ("stress-ng*",), {"stress-ng": "stress-ng"}, without_root=True,
                   hides=((r"\[\d+\]", "[]"), (r"(completed in) .*", r"\1")))


def numpy_tests(scale):
    """NumPy's own tests, with every block of Python's from malloc."""
    modules = ("core.tests.test_ufunc", "core.tests.test_nditer", "core.tests.test_regression", "lib.tests.test_function_base")
    if scale > 1:
        modules += ("core.tests.test_umath", "core.tests.test_indexing")
    python = python_of_the_system()
    return Program("numpy", ((python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs",
                              *(f"numpy.{module}" for module in modules)),),
                   ("python3*",), {python: "python3"}, {**QUIET, "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
                   hides=((r" in [\d.]+s.*$", ""),),
                   probe=((python, "-c", "import numpy, pytest"), "python3-numpy, python3-pytest"))


def browsers(inputs):
    """Both have a malloc of their own, which a preloaded one does not replace: it is there beside theirs, with its
    constructors, its handlers of fork and its thread-specific values, under their sandboxes."""
    python = python_of_the_system()
    return [Program(name, ((python, inputs / "browser_session.py", kind, name),), (f"{kind}*",), {name: package}, QUIET,
                    without_root=True, own_malloc=(f"{kind}*", *helpers))
            for kind, name, package, helpers in (
                ("chromium", "chromium", "chromium, chromium-sandbox", ("chrome_crashpad_handler",)),
                ("firefox", "firefox-esr", "firefox-esr", ("crashhelper", "crashreporter", "pingsender")))]
