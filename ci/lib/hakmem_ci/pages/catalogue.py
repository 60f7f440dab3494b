"""The generated pages: what each depends on, and the commands that write it."""
import dataclasses
import typing

from hakmem_ci.jobs.bench import allocators
from hakmem_ci.jobs.costs import machines
from hakmem_ci.pages import compose, inputs, renewal

FOLDER = "docs/reports"
CORE = ("sync", "os", "lockfree", "layout", "superslab", "heap", "variants", "diagnostics", "learner")
CHECKER = "build/model/hakmem-check"
SUITES = inputs.Suites("model/scenarios/*.cpp")
EXHIBITS = ("descriptors", "lists", "one_slab", "threads")  # what the exhibits' scenarios are about


@dataclasses.dataclass(frozen=True, eq=False)
class Page:
    """A page. `commands`: (words, seconds of processor time that each may take at the most), `{jobs}` and `{work}` are filled in; with
    `output` the last one's is kept in the work folder under that name. `build`: preset -> targets. `compose` writes the
    page from what the commands have left, where they do not write it themselves."""

    name: str
    says: str
    inputs: tuple
    commands: tuple
    build: dict = dataclasses.field(default_factory=dict)
    compose: typing.Callable = None
    publishes: bool = False  # its command does, also when it is called by itself
    measured: bool = False  # says with which commit, and when
    elsewhere: tuple = ()   # files, where it is not one page in the folder of its name
    pictures: bool = False  # has a folder of its name
    data: bool = False      # has a file of its name with what can be kept of it: `renew` says by which words of the command
    renew: typing.Callable = None
    programs: tuple = ()    # that must be installed: (program, option of ci/setup)
    libraries: tuple = ()   # allocators that must be installed, by ci/setup --bench

    @property
    def path(self):
        return self.elsewhere[0] if self.elsewhere else f"{FOLDER}/{self.name}.md"

    @property
    def command(self):
        return f"ci/update {self.name}"

    def files(self, root):
        """The page with its pictures and its data, or its files elsewhere."""
        return inputs.files(root, [self.path, *self.elsewhere, *([f"{FOLDER}/{self.name}/*"] if self.pictures else []),
                                   *([f"{FOLDER}/{self.name}.json"] if self.data else [])])


@dataclasses.dataclass(frozen=True)
class Command:
    words: tuple
    seconds: int
    output: str = ""


def conformance_command(root):
    """The program takes the libraries by path."""
    found = [str(allocators.find(name)) for name in allocators.PEER_FILES]
    preloads = ["build/release/libhakmem.so", "system", *found]
    return Command(("build/release/tests/conformance", "--known", "tests/conformance/known_deviations.json",
                    *(word for one in preloads for word in ("--preload", one)), "--markdown",
                    f"{FOLDER}/conformance.md"), 3600)


GUARDS = ("unit_lockfree", "unit_layout", "unit_superslab", "unit_heap", "unit_variants", "unit_diagnostics", "unit_api", "unit_reentrancy", "unit_learner",
          "edges", "conformance", "hakmem")

PAGES = (
    # Before the ledger, which has its columns from there.
    Page("costs", "the instructions that each atomic operation compiles to, and what each order costs",
         (inputs.Functions(*(f"src/{folder}/*.hpp" for folder in CORE if folder != "os")),
          inputs.Code("src/machine/*.hpp", "ci/lib/hakmem_ci/jobs/costs/*.py")),
         (Command(("ci/costs", "--jobs", "{jobs}"), 7200),), publishes=True, data=True,
         programs=tuple((program, machine.install) for machine in machines.MACHINES
                        for program in (machine.compiler, machine.objdump[0]))),
    Page("ledger", "why every atomic operation has the order it has, and which suite notices a weaker one",
         (inputs.Functions("src/lockfree/*.hpp", every=True),
          inputs.Functions(*(f"src/{folder}/*.hpp" for folder in CORE if folder not in ("lockfree", "os"))),
          inputs.Functions("checker/audit/mutant.cpp", every=True, called=renewal.MUTANTS),
          inputs.Functions("checker/audit/ledger.cpp", every=True, called=renewal.LAYOUT),
          inputs.Functions("checker/audit/compiled.cpp", every=True, called="the ledger's columns"),
          inputs.Code("src/*/*.survivors.json", f"{FOLDER}/costs.json"), SUITES),
         (Command((CHECKER, "audit", "--jobs", "{jobs}"), 7200),), {"model": ("hakmem-check",)}, data=True,
         renew=renewal.of_ledger),
    Page("models", "what the suites of the model checker proved, and what its litmus tests show",
         (SUITES, inputs.Code("checker/litmus/tests.cpp", "checker/litmus/shapes.hpp")),
         (Command((CHECKER, "run", "--quick", "--jobs", "{jobs}", "--json", "{work}/models.json"), 3600),
          Command((CHECKER, "report", "{work}/models.json"), 60, "suites"),
          Command((CHECKER, "litmus", "--hardware", "--markdown"), 600, "litmus")),
         {"model": ("hakmem-check",)}, compose.models, measured=True),
    Page("museum", "bugs of the past, each with its smallest counterexample",
         (inputs.Code("model/museum/exhibits.cpp", *(f"model/museum/{name}.hpp" for name in EXHIBITS), "model/museum/programs.cpp",
                      "model/museum/museum.cpp", *(f"checker/trace/{name}.cpp" for name in ("order", "svg", "text"))), SUITES),
         (Command((CHECKER, "museum", "--jobs", "{jobs}"), 3600),),
         {"model": ("hakmem-check",), "release": GUARDS}, pictures=True),
    Page("controls", "which planted faults each checker was shown, and caught",
         (inputs.Code("ci/lib/hakmem_ci/jobs/controls/catalogue.py", "ci/lib/hakmem_ci/jobs/controls/planted.cpp"),),
         (Command(("ci/controls", "--jobs", "{jobs}"), 10800),), publishes=True, renew=renewal.of_controls),
    Page("mutants", "which test notices a change of plain logic",
         (inputs.Functions("src/*/*.hpp", "src/api/*.cpp", every=True), inputs.Code("src/*/*.mutants.json")),
         (Command(("ci/mutants", "--jobs", "{jobs}"), 14400),), {"model": ("all",), "release": ("all",)}, publishes=True,
         data=True, renew=renewal.of_mutants),
    Page("coverage", "lines and branches of the core that the tests reach",
         (inputs.Functions(*(f"src/{folder}/*.hpp" for folder in CORE), every=True),
          inputs.Code("ci/coverage-explained.json")),
         (Command(("ci/coverage", "--jobs", "{jobs}"), 10800),), publishes=True, measured=True,
         programs=(("gcovr", "--nightly"),)),
    Page("benchmarks", "speed and memory beside other allocators",
         (inputs.Code("ci/lib/hakmem_ci/jobs/bench/catalogue.py", "ci/lib/hakmem_ci/jobs/bench/allocators.py",
                      "bench/larson.cpp", "bench/operations.cpp", "bench/random_mixed.cpp", "bench/scenarios.cpp", "bench/scenarios/*"),),
         (Command(("ci/bench", "--markdown", f"{FOLDER}/benchmarks.md", "--plots", f"{FOLDER}/benchmarks"), 7200),), measured=True,
         pictures=True, programs=(("gnuplot", ""),), libraries=tuple(allocators.PEER_FILES)),
    Page("baselines", "what ships beside what it could have been",
         (inputs.Code("bench/ab/*pair*.cpp", "bench/ab/catalogue.cpp", "bench/ab/workloads.hpp", "bench/baselines/*.hpp"),),
         (Command(("build/release/bench/ab", "--all", "--rounds", "9", "--operations", "1000000", "--markdown",
                   "{work}/baselines.md"), 7200),),
         {"release": ("ab",)}, compose.baselines, measured=True),
    Page("conformance", "which promises of the standards each allocator keeps",
         (inputs.Code("tests/conformance/checks/*", "tests/conformance/known_deviations.json"),),
         (conformance_command,), {"release": ("conformance", "hakmem")}, measured=True,
         libraries=tuple(allocators.PEER_FILES)),
    # Defaults are constants of the geometry. README's table is compared by a test alone: the rest of it is written by people.
    Page("reference", "every option and every statistic",
         (inputs.Code("src/api/option_table.hpp", "src/api/statistic_table.hpp", "src/layout/geometry.hpp",
                      "tests/reference/documents.cpp", "tests/reference/table.cpp"),),
         (Command(("build/release/tests/reference", "--write", "."), 60),), {"release": ("reference",)},
         elsewhere=("docs/reference/options.md", "docs/reference/statistics.md", "docs/reference/environment.man")),
    Page("manual", "the manual's page of hakmem-check",
         (inputs.Code("checker/cli/main.cpp", "checker/audit/command.hpp", "checker/watch/command.hpp", "model/museum/command.cpp",
                      "model/programs/generator.cpp", "model/subject.cpp", "model/manual.py"),),
         (Command(("model/manual.py", "--write", CHECKER, "docs/reference/hakmem-check.man"), 60),),
         {"model": ("hakmem-check",)}, elsewhere=("docs/reference/hakmem-check.man",)),
)
BY_NAME = {page.name: page for page in PAGES}
