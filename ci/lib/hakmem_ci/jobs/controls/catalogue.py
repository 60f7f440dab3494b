"""Which faults each checker must report, and what must be clean for it."""
import dataclasses

ASAN_FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
TSAN_FLAGS = ("-fsanitize=thread", "-fno-omit-frame-pointer")


@dataclasses.dataclass(frozen=True)
class Planted:
    """A fault of planted.cpp; `report` is what the tool must print. Fault "none" must run clean."""

    checker: str
    fault: str
    report: str
    flags: tuple = ()
    tool: tuple = ()


@dataclasses.dataclass(frozen=True)
class Tested:
    """A test of a build that plants a fault and passes only if the checker reports it."""

    checker: str
    test: str
    preset: str
    targets: tuple
    fault: str


@dataclasses.dataclass(frozen=True)
class Called:
    """A command that passes only if its checker reports every fault that it plants. {build} is the build's folder."""

    checker: str
    fault: str
    preset: str
    targets: tuple
    command: tuple
    caught: str  # what the output says then


def with_flags(checker, flags, faults, tool=()):
    return [Planted(checker, fault, report, flags, tool) for fault, report in faults]


MEMCHECK = ("valgrind", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite")
STRESS = ("stress",)
WATCHED = ("block_faults",)
LITMUS = ("order_litmus",)
ORDERS = "each order of an atomic one step too weak, and no other"

PLANTED = (
    with_flags("AddressSanitizer", ASAN_FLAGS, (
        ("none", ""), ("overflow", "heap-buffer-overflow"), ("use-after-free", "heap-use-after-free"),
        ("double-free", "attempting double-free"), ("leak", "LeakSanitizer: detected memory leaks")))
    + with_flags("UndefinedBehaviorSanitizer", ASAN_FLAGS, (
        ("none", ""), ("signed-overflow", "signed integer overflow"), ("shift-too-far", "shift exponent"),
        ("index-out-of-bounds", "out of bounds"), ("misaligned", "misaligned address"),
        ("division-by-zero", "division by zero")))
    + with_flags("ThreadSanitizer", TSAN_FLAGS, (("none", ""), ("race", "data race")))
    + with_flags("Memcheck", (), (
        ("none", ""), ("uninitialised", "depends on uninitialised"), ("overflow", "Invalid write"),
        ("use-after-free", "Invalid read"), ("double-free", "Invalid free"), ("leak", "definitely lost")), MEMCHECK)
    + with_flags("Helgrind", (), (("none", ""), ("race", "Possible data race")),
                 ("valgrind", "--tool=helgrind", "--error-exitcode=99"))
    + with_flags("DRD", (), (("none", ""), ("race", "Conflicting (load|store)")),
                 ("valgrind", "--tool=drd", "--error-exitcode=99")))

EDGES = (
    ("MuchAddressSpaceIsNoticed", "address space is reserved that nobody uses"),
    ("ForksReportDamage", "a child finds its parent's blocks damaged"),
    ("ForksReportLackOfMemory", "a child gets no memory"),
    ("VanishedThreadsReportALeak", "each fork leaks"),
    ("SignalsReportDamage", "a handler's blocks are damaged"),
    ("SignalsReportTheirAbsence", "no signal comes"),
    ("JumpsReportDamage", "blocks are damaged by a jump out of a handler"),
    ("JumpsReportALockThatIsKept", "a lock is kept by a jump out of a handler"),
    ("ShortLivedThreadsReportALeak", "each thread leaks"),
    ("CancelledThreadsReportALeak", "each cancelled thread leaks"),
    ("DriftReportsALeak", "each class leaks"),
    ("DriftOfThreadsReportsALeak", "each class leaks, in threads"),
    ("RestReportsALeak", "memory is held at rest"),
    ("RestReportsWhatNeverAges", "what is kept never goes back"),
    ("IdleOwnersReportALeak", "memory of idle owners is held"),
    ("IdleOwnersReportWhatNeverAges", "memory of idle owners never goes back"),
    ("SpentThreadsReportALeak", "memory of threads that have freed a peak is held"),
    ("SpentThreadsReportThatNobodyLooks", "memory of threads that have freed a peak never goes back"),
    ("LimitsReportAMissingErrno", "null without an error number"),
    ("LimitsReportDamage", "blocks are damaged when memory runs out"),
    ("WithinALimitLeaksAreReported", "memory leaks under a limit"),
    ("BoundariesReportDamage", "blocks at the boundaries of classes are damaged"),
    ("HugeAlignmentsReportWhatIsHeld", "an aligned block holds its alignment's worth"),
)


# Each runs under the libraries, where it has to hold, and under a malloc with this fault, where it must not.
FIELD = (
    ("CallocIsZeroWhereTheProgramHasLockedMemory", "calloc takes for zero what could not be given back: it is locked"),
    ("CallocIsZeroWhereAllMemoryIsLocked", "the same where all memory is locked"),
    ("CallocIsZeroWhereMadviseIsRefused", "the same where the system refuses advice"),
    ("CallocIsZeroToTheUsableSize", "calloc fills what was asked for and no more"),
    ("CallocTouchesNoPageThatIsFresh", "calloc fills pages that are zero"),
    ("ReallocCopiesWhereMremapIsRefused", "realloc gives up where a mapping cannot move"),
    ("ReallocCopiesWherePagesHaveAdvice", "realloc gives up where a part of a block has been advised"),
    ("ProcessesMayLimitTheirAddressSpace", "much address space is reserved"),
    ("ProcessesMayLimitTheirData", "much address space counts as data"),
    ("LittleAddressSpaceLeavesRoomForAThread", "what is reserved leaves no room for a thread's stack"),
    ("LockingAllMemoryCostsLittle", "what is reserved is populated where all memory is locked"),
    ("ManyBlocksLeaveMappingsForOthers", "each large block is a mapping of its own"),
    ("FewBlocksAreKeptOutOfLargePages", "a few blocks take a large page"),
    ("DoubleFreesAreNoticedWithOthersBetween", "a double free with another free between goes unseen"),
    ("FreesOfWhatWasNeverABlockAreNoticed", "what was never a block is freed without a word"),
    ("NamesOfTheCLibraryReachTheSameHeap", "the C library's own names reach another heap"),
    ("BlocksOfJemallocsNamesAreOfTheSameHeap", "nobody has jemalloc's own names"),
    ("QuestionsOfJemallocsProgramsAreAnswered", "nobody answers what such programs ask"),
    ("MallinfoTellsWhatIsInUse", "mallinfo tells of another heap"),
    ("MalloptAcceptsWhatGlibcAccepts", "mallopt refuses what glibc accepts"),
    ("PagesThatAreWholeStayAsTheyAre", "pvalloc does not round up to pages"),
    ("StatisticsAreNoCancellationPoint", "a thread is cancelled inside the statistics"),
    ("LackOfAlignmentIsLackOfMemory", "an alignment that cannot be had is called a wrong argument"),
    ("StatisticsGoToStandardErrorOrNowhere", "statistics are written into the program's own file"),
    ("ReplacedOperatorNewServesAllForms", "other forms of new go past the program's own"),
    ("ReplacedAlignedOperatorNewServesAllForms", "other aligned forms of new go past the program's own"),
    ("PluginOfACProgramGetsItsException", "want of memory in a plugin ends the process"),
    ("DebuggerCallsMalloc", "a debugger takes malloc for another function"),
    ("CoresHoldWhatIsResident", "cores hold what is reserved"),
    ("ThreadsThatForgetTheirKeysAreNoticed", "threads leave their contexts behind"),
)


def edge_controls():
    return [Tested("edges", test, "release", ("hakmem", "edges"), fault) for test, fault in EDGES]


def field_controls():
    return [Tested("field", test, "release", ("hakmem", "hakmem_hardened", "hakmem_locked", "folders/tests/field/all"), fault)
            for test, fault in FIELD]


TESTED = (
    Tested("ThreadSanitizer", "ThreadSanitizerReportsARaceOnContents", "tsan", STRESS,
           "a block is written after it has been handed over"),
    Tested("ThreadSanitizer", "ThreadSanitizerReportsMissingReleases", "tsan", STRESS, "no atomic of the heap releases"),
    Tested("ThreadSanitizer", "ThreadSanitizerReportsMissingAcquires", "tsan", STRESS, "no atomic of the heap acquires"),
    Tested("ThreadSanitizer", "ThreadSanitizerReportsExactlyTheOrdersThatAreTooWeak", "tsan", LITMUS, ORDERS),
    Tested("ThreadSanitizer", "ThreadSanitizerReportsARaceOnContentsThroughTheApi", "tsan", STRESS,
           "a block of the C API is written after it has been handed over"),
    Tested("ThreadSanitizer", "ThreadSanitizerReportsTheDataRacesOfTheMuseum", "tsan", ("museum_race",),
           "five data races of the museum, and none of their sound twins"),
    Tested("ThreadSanitizer", "TsanFork.RacesInAChildAreReported", "tsan", ("tsan_api",), "a race in a forked child"),
    Tested("AddressSanitizer", "AddressSanitizerReportsUseOfAFreeBlock", "asan", STRESS,
           "a block of the heap is written after its free"),
    Tested("AddressSanitizer", "AddressSanitizerReportsReadingAFreeHakmemBlock", "asan", WATCHED,
           "a block of the C API is read after its free"),
    Tested("AddressSanitizer", "AddressSanitizerReportsWritingAFreeHakmemBlock", "asan", WATCHED,
           "a block of the C API is written after its free"),
    Tested("Memcheck", "MemcheckReportsReadingAFreeHakmemBlockWithBothStacks", "valgrind", WATCHED,
           "a block of the C API is read after its free"),
    Tested("Memcheck", "MemcheckReportsWritingAFreeHakmemBlockWithBothStacks", "valgrind", WATCHED,
           "a block of the C API is written after its free"),
    Tested("Memcheck", "MemcheckReportsALostHakmemBlock", "valgrind", WATCHED, "a block of the C API is lost"),
    Tested("Memcheck", "MemcheckReportsUseOfAnUninitialisedHakmemBlock", "valgrind", WATCHED,
           "a branch on what was never written to a block of the C API"),
    Tested("Helgrind", "HelgrindReportsARaceOnContents", "valgrind", STRESS,
           "a block is written after it has been handed over"),
    Tested("Helgrind", "HelgrindReportsMissingReleases", "valgrind", STRESS, "no atomic of the heap releases"),
    Tested("Helgrind", "HelgrindReportsMissingAcquires", "valgrind", STRESS, "no atomic of the heap acquires"),
    Tested("Helgrind", "HelgrindReportsExactlyTheOrdersThatAreTooWeak", "valgrind", LITMUS, ORDERS),
    Tested("DRD", "DrdReportsARaceOnContents", "valgrind", STRESS, "a block is written after it has been handed over"),
    Tested("DRD", "DrdReportsMissingReleases", "valgrind", STRESS, "no atomic of the heap releases"),
    Tested("DRD", "DrdReportsMissingAcquires", "valgrind", STRESS, "no atomic of the heap acquires"),
    Tested("DRD", "DrdReportsExactlyTheOrdersThatAreTooWeak", "valgrind", LITMUS, ORDERS),
    Tested("stress oracle", "StressFindsADoubleHandout", "release", STRESS, "a block is handed out while it is held"),
    Tested("stress oracle", "StressFindsALostBlock", "release", STRESS, "a free block never comes back"),
    Tested("stress oracle", "StressFindsDamagedContents", "release", STRESS, "a block is written after its free"),
    Tested("stress oracle", "StressFindsMemoryThatIsNotReused", "release", STRESS, "frees are held back"),
    Tested("stress oracle", "StressFindsThreadsThatNeverLeave", "release", STRESS, "threads exit without a word"),
    Tested("conformance", "ConformanceChecksReportPlantedFaults", "release",
           ("conformance", "conformance_checks", "conformance_broken_malloc", "conformance_partial_malloc"),
           "every fault of a broken malloc, against the checks that are about it"),
    *edge_controls(),
    *field_controls(),
    Tested("benchmarks", "BenchmarksReportPlantedFaults", "release", ("folders/bench/all",),
           "damaged, lost and miscounted blocks"),
    Tested("golden counts", "GoldenCountsReportPlantedFaults", "release", ("hakmem", "hakmem_locked", "bench_instructions"),
           "a library that takes a lock for each call; figures that rise beyond their bounds"),
    Tested("real programs", "RealProgramsReportPlantedFaults", "release", (),
           "a malloc that damages, refuses, aborts, hangs or is not there"),
    Tested("order audit", "AuditKillsExplainsAndRefuses", "model", ("hakmem-check", "needless-check", "edited-check", "hanging-check"),
           "orders that are needless or too weak, explanations that are stale or missing, suites that do not end"),
    Tested("museum", "MuseumCatchesEveryExhibit", "model", ("hakmem-check", "faulty-check"),
           "exhibits without a fault, judges that catch anything, guards that fail"),
    Tested("code mutants", "MutantsOfLogicAreJudged", "release", (),
           "mutants that live, hang or are not built; explanations of what does not live"),
    Tested("main job", "VerifyIsGreenOnlyWhenEverythingRanAndHolds", "release", (),
           "programs that are missing, crash, hang, keep silent or report failures"),
    Tested("checks of the source", "FloorCheckReportsPlantedFaults", "release", (), "includes that point upwards"),
    Tested("checks of the source", "HeaderCheckReportsPlantedFaults", "release", (), "headers that need others first"),
    Tested("checks of the source", "SpecCheckReportsPlantedFaults", "release", (), "rows that name what does not exist"),
    Tested("checks of the source", "ReferenceReportsPlantedFaults", "release", ("reference",),
           "documents that differ from the tables of options and statistics"),
    Tested("checks of the source", "LintReportsPlantedFaults", "release", (),
           "layout, names, scripts, imports, dead links, commands that are none, sources that clang refuses or warns of"),
    Tested("checks of the source", "PagesAreOwedWhenTheirInputsChange", "release", (),
           "other orders, suites and controls, and pages that are edited by hand"),
    Tested("libFuzzer", "FuzzerFindsAPlantedFault", "fuzz", ("fuzz_heap_planted",),
           "a block that grows into a mapping of its own loses its contents"),
    Tested("libFuzzer", "FuzzerFindsATokenThatIsTakenWrongly", "fuzz-model", ("fuzz_tokens_planted",),
           "of a token's bound only the first digit is read"),
    Tested("libFuzzer", "FuzzerFindsALostRow", "fuzz-model", ("fuzz_reports_planted",), "rows of a report get lost"),
    Tested("AFL++", "AflFindsAPlantedFault", "afl", ("fuzz_heap_planted",),
           "a block that grows into a mapping of its own loses its contents"),
    Tested("AFL++", "AflFindsATokenThatIsTakenWrongly", "afl-model", ("fuzz_tokens_planted",),
           "of a token's bound only the first digit is read"),
    Tested("AFL++", "AflFindsALostRow", "afl-model", ("fuzz_reports_planted",), "rows of a report get lost"),
    Tested("schedule noise", "NoiseFindsTheRacesOfTheMuseum", "release", ("museum_race",), "eleven races of the museum"),
    Tested("stress", "StressFindsACapOutOfBounds", "release", ("stress",), "a learner that leaves its bounds"),
    Tested("coverage", "CoverageIsRedBelowItsBounds", "release", (), "too few lines or branches, reasons that are missing or stale"),
    Tested("guide", "GuideReportsPlantedFaults", "model", ("hakmem-check",),
           "orders, variants, files, edits and outputs of the guide that are wrong"),
    Tested("manual", "ManualIsMadeOfTheHelpAndComparedWithIt", "model", (),
           "options, arguments and commands that the page has otherwise than the help"),
    Tested("the checker by itself", "TiesOfTheCheckerAreReported", "model", (), "words of what is checked, in the checker"),
    Tested("the checker by itself", "CheckerIsBuiltAloneAndTiesAreReported", "model", (),
           "an include of what lies outside the checker"),
    Tested("traces", "TraceInJsonIsWhatItsSchemaSays", "model", ("faulty-check",),
           "members that are missing, unknown or of another kind"),
    Tested("traces", "NoTextIsTakenApartByRegularExpressions", "model", (), "regular expressions over printed text"),
    Tested("progress", "LoopsThatWaitAreReported", "model", ("faulty-check",), "a lock that waits for who has it, in a file that ships"),
    Tested("engines compared", "PlantedFaultsAreReported", "model", ("faulty-check",),
           "a scenario that fails in one engine alone"),
    Tested("graph engine", "GraphExploration.GeneratedProgramsShowEachRuleThatAnEngineForgets", "model", ("model_graph_test",),
           "axioms, revisits and rules of these that are left out"),
    Tested("model checker", "PlantedFaultsAreReported", "model", ("faulty-check",),
           "races, lost blocks, hangs, crashes and leaks of scenarios"),
)


def property_control(program, test, fault):
    return Called("properties", fault, "release", (program,),
                  ("{build}/tests/" + program, f"--gtest_filter={test}"), r"\[  PASSED  \] [1-9]")


CALLED = (
    property_control("property_slots", "SlotWordProperty.RefutesPlantedFaults", "slot words that retire, claim or count wrongly"),
    property_control("property_slots", "SharedPoolProperty.RefutesPlantedFaults", "a pool that loses or shares slots"),
    property_control("property_size_class", "SizeClassPropertyControls.RefutePlantedFaults", "size classes with gaps or waste"),
    property_control("property_page_map", "PageMapProperty.RefutesPlantedFaults", "a page map that answers wrongly"),
    property_control("property_control_law", "CapLawProperty.RefutesPlantedFaults",
                     "laws of a cap that swing, stick or leave their bounds"),
    property_control("property_control_law", "WasteLawProperty.RefutesPlantedFaults", "laws of waste that do"),
    property_control("property_heap", "HeapProperty.RefutesPlantedFaults", "heaps that overlap, lose or damage blocks"),
    Called("model checker", "every broken variant of every suite", "model", ("hakmem-check",),
           ("{build}/hakmem-check", "run", "--quick", "*~*"), r" hold, 0 do not"),
)
ALL = (*PLANTED, *TESTED, *CALLED)
CHECKERS = tuple(dict.fromkeys(control.checker for control in ALL))
