"""The real programs, and what each of them has to do."""
from hakmem_ci.jobs.programs import long_list
from hakmem_ci.jobs.programs.program import Program, python_of_the_system


def catalogue(inputs, quick):
    """All programs, in the order in which they run: the short list, then the long one."""
    return short_list(inputs, quick) + long_list.long_list(inputs, quick)


def chosen(programs, names, everything):
    """Those with these names; without a name the short list, or `everything`."""
    if names:
        return [program for program in programs if program.name in names]
    return [program for program in programs if everything or not program.long]


def short_list(inputs, quick):
    """The programs that run by default. `inputs` is the directory of their input files."""
    scale = 1 if quick else 3
    python = python_of_the_system()
    # Python's own allocator would keep small blocks away from malloc.
    through_malloc = {"PYTHONMALLOC": "malloc", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    # The standard output of a verbose test tells random times; the verdict on each test comes on the other one.
    tests = ("import test.support, unittest; test.support.verbose = 0; "
             "unittest.main(module=None, argv=['unittest', '-v', 'test.test_list', 'test.test_dict', 'test.test_threading'])")
    python_tests = Program(
        "python3-tests", ((python, "-c", tests),), ("python3*",), {python: "python3"},
        environment=through_malloc, hides=((r"^(Ran \d+ tests) in [\d.]+s$", r"\1"),),
        probe=((python, "-c", "import test.test_list, test.test_threading"), "python3's own tests (libpython3.X-testsuite)"))
    optimise = ("-O1",) if quick else ("-O2", "-g")
    compiler = ("g++", "-std=c++20", "-frandom-seed=1")
    return [
        python_tests,
        Program("python3", ((python, inputs / "python_workload.py", scale),), ("python3*",), {python: "python3"},
                environment=through_malloc),
        Program("git", (("sh", inputs / "git.sh", 20 * scale),), ("git",), {"git": "git"}),
        Program("sqlite3", (("sqlite3", "-batch", "-bail", "-cmd",
                             f"CREATE TABLE scale(rows); INSERT INTO scale VALUES({20000 * scale});", "rows.db",
                             f".read {inputs / 'sqlite.sql'}"),
                            ("sqlite3", "-batch", "rows.db", ".dump")), ("sqlite3",), {"sqlite3": "sqlite3"}),
        Program("g++", ((*compiler, *optimise, f"-DSIZE={2 * scale}", "-c", inputs / "large.cpp", "-o", "large.o"),
                        (*compiler, "large.o", "-o", "large", "-pthread"), ("./large",)),
                ("cc1plus", "*as", "*ld*", "large"), {"g++": "g++"}, artefacts=("large.o", "large")),
        Program("node", (("node", inputs / "node_workload.js", scale),), ("node",), {"node": "nodejs"}),
        Program("redis", ((python, inputs / "redis_session.py", scale),),
                ("redis-server", "redis-benchmark", "redis-cli", "redis-check-rdb"),
                {"redis-server": "redis-server", "redis-benchmark": "redis-tools", "redis-cli": "redis-tools"}),
        Program("perl", (("perl", inputs / "perl_workload.pl", scale),), ("perl",), {"perl": "perl"}),
        Program("xz", ((python, inputs / "random_text.py", 4000000 * scale, "text"),
                       ("xz", "-T2", "--block-size=1MiB", "-6", "-k", "text"), ("xz", "--robot", "-lv", "text.xz"),
                       ("sh", "-c", "xz -T2 -dc text.xz | cmp - text")), ("xz",), {"xz": "xz-utils", python: "python3"},
                artefacts=("text.xz",)),
        Program("c++-threads", ((*compiler, "-O1", inputs / "threads_exceptions.cpp", "-o", "program", "-pthread"),
                                ("./program", scale)), ("program",), {"g++": "g++"}),
    ]
