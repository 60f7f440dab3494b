"""Negative controls of the conformance suite: every fault of the broken malloc is reported by the checks that are about
it, every check reports some fault, and without a fault the same library passes."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent
RUNNER = BROKEN = PARTIAL = PARTIAL_HAKMEM = ""  # set from the command line
EMULATOR = os.environ.get("HAKMEM_TEST_EMULATOR")  # what runs programs of the libraries' machine, where it is another one

# Fault -> checks that must report it.
FAULTS = {
    "Overlapping": [
        "Malloc.LiveBlocksAreDisjoint", "New.EveryFormGivesDisjointBlocks", "Thread.ConcurrentCallsGiveDisjointBlocks",
        "Thread.BlocksMayBeFreedByAnotherThread", "Thread.ThreadLocalDestructorsMayAllocateAndFree",
        "Lifecycle.LoadedLibraryMayAllocateThreadLocals", "Fork.ChildHasACopyOfTheHeap",
        "UsableSize.MayBeUsedToTheLastByte"],
    "UnalignedSmall": [
        "Malloc.EveryBlockSuitsEveryType", "Malloc.EveryBlockSuitsWhatFitsIntoIt", "Calloc.EveryBlockSuitsEveryType",
        "Realloc.EveryBlockSuitsEveryType", "AlignedAlloc.EveryBlockSuitsEveryType",
        "New.EveryBlockSuitsTypesOfItsSize"],
    "ZeroShared": [
        "Malloc.ZeroBytesGiveNullOrAUniqueBlock", "Calloc.ZeroBytesGiveNullOrAUniqueBlock",
        "PosixMemalign.ZeroBytesGiveNullOrAUniqueBlock", "New.ZeroBytesGiveAUniqueBlock"],
    "ZeroNull": [
        "Malloc.ZeroBytesGiveABlock", "Calloc.ZeroBytesGiveABlock", "Realloc.OfNullToZeroGivesABlock",
        "New.ZeroBytesGiveAUniqueBlock"],
    "WrapsSizes": [
        "Malloc.ImpossibleSizesGiveNull", "Calloc.OverflowingProductFails", "Realloc.ImpossibleSizesGiveNull",
        "PosixMemalign.ReportsLackOfMemory", "New.FailureThrowsBadAlloc", "New.AlignedFailureThrowsBadAlloc", "New.NothrowFailureGivesNull",
        "New.AlignedNothrowFailureGivesNull", "Pvalloc.FailureSetsEnomem"],
    "NoEnomem": [
        "Malloc.FailureSetsEnomem", "Calloc.FailureSetsEnomem", "Realloc.FailureSetsEnomem",
        "AlignedAlloc.FailureSetsEnomem", "Memalign.FailureSetsEnomem", "Valloc.FailureSetsEnomem",
        "Pvalloc.FailureSetsEnomem", "Limit.ExhaustionSetsEnomem", "Limit.EveryMemberReportsExhaustion"],
    "FailureScribbles": [
        "Malloc.FailureLeavesLiveBlocksIntact", "Limit.ExhaustionLeavesEveryBlockIntact", "Limit.NewReportsExhaustion"],
    "ErrnoZero": ["Errno.IsNeverSetToZero"],
    "TakesSignalsForFailure": ["Signal.InterruptedCallsSucceed"],
    "CallocDirty": ["Calloc.ZeroesReusedMemory", "Calloc.ZeroesWhatReallocGaveBack"],
    "CallocTail": ["Calloc.ZeroesEveryByte"],
    "CallocWraps": ["Calloc.OverflowingProductFails", "Calloc.FailureSetsEnomem"],
    "ReallocOfNullFails": ["Realloc.OfNullAllocates", "Reallocarray.OfNullAllocates"],
    "ReallocLosesTail": [
        "Realloc.KeepsContentsInEveryDirection", "Realloc.KeepsContentsThroughManySteps",
        "Realloc.AcceptsBlocksOfEveryMember", "Reallocarray.KeepsContents", "UsableSize.SurvivesRealloc",
        "Thread.FirstCallMayBeRealloc", "Limit.ShrinkingUnderExhaustionKeepsContents"],
    "ReallocGrowsInPlace": [
        "Realloc.LeavesOtherBlocksIntact", "UsableSize.IsAtLeastWhatReallocWasAskedFor"],
    "ReallocFailureFrees": ["Realloc.FailureLeavesTheBlockIntact", "Limit.ReallocUnderExhaustionLeavesTheBlock"],
    "ReallocToZeroDangles": ["Realloc.ToZeroGivesNullOrAUniqueBlock", "Realloc.ToZeroFrees"],
    "ReallocToZeroKeeps": ["Realloc.ToZeroFrees", "Reallocarray.ToZeroFrees"],
    "ReallocLeaks": ["Realloc.MakesSpaceAvailableAgain"],
    "ReallocarrayWraps": ["Reallocarray.OverflowFailsAndLeavesTheBlock"],
    "HalfAligned": [
        "PosixMemalign.GivesEveryAlignment", "PosixMemalign.GivesHugeAlignments", "AlignedAlloc.GivesEveryAlignment",
        "Memalign.GivesEveryAlignment", "Valloc.AlignsToAPage", "Pvalloc.GivesWholePages",
        "New.AlignedFormsGiveTheAlignment"],
    "AcceptsAnyAlignment": [
        "PosixMemalign.RejectsAnImproperAlignment", "AlignedAlloc.RejectsAnImproperAlignment",
        "AlignedAlloc.ImproperAlignmentSetsEinval"],
    "MinusOne": ["PosixMemalign.ReportsLackOfMemory", "PosixMemalign.ReportsAnAlignmentBeyondMemory"],
    "ClearsPointer": ["PosixMemalign.FailureLeavesThePointerAlone"],
    "WildPointer": ["PosixMemalign.FailureLeavesNoWildPointer", "PosixMemalign.FailureLeavesThePointerAlone"],
    "PvallocPartial": ["Pvalloc.GivesWholePages"],
    "AlignedNotFreeable": ["Free.AcceptsBlocksOfEveryMember"],
    "FreeNullAborts": ["Free.NullDoesNothing", "Delete.OfNullDoesNothing"],
    "FreeErrno": ["Free.PreservesErrno", "Limit.FreeUnderExhaustionPreservesErrno"],
    "Leaks": [
        "Free.MakesSpaceAvailableAgain", "Delete.MakesSpaceAvailableAgain", "Cfree.FreesABlock",
        "FreeSized.FreesABlock", "FreeAlignedSized.FreesABlock", "Limit.MemoryFreedAfterExhaustionIsUsedAgain",
        "Misuse.DoubleFreeOfASmallBlock", "Misuse.DoubleFreeOfAMidBlock", "Misuse.DoubleFreeOfALargeBlock",
        "Misuse.DoubleFreeOfAMappedBlock", "Misuse.DoubleFreeWhenTheSlabHoldsOtherBlocks", "Misuse.DoubleDelete",
        "Misuse.FreeOfAStackAddress", "Misuse.FreeOfAStaticAddress", "Misuse.FreeOfAMappingOfItsOwn",
        "Misuse.FreeOfASmallInteger", "Misuse.FreeOfAMisalignedPointer", "Misuse.FreeOfAnInteriorPointer",
        "Misuse.DeleteOfAnInteriorPointer", "Misuse.ReallocOfAForeignOrInteriorPointer",
        "Misuse.InvalidPointerIsNamed"],
    "FreeScribbles": ["Free.AcceptsBlocksInAnyOrder"],
    "UsableSmall": ["UsableSize.IsAtLeastWhatWasAskedFor"],
    "UsableLarge": ["UsableSize.MayBeUsedToTheLastByte"],
    "UsableOfNull": ["UsableSize.OfNullIsZero"],
    "TrimNothing": ["Trim.GivesMemoryBackToTheSystem"],
    "TrimSaysNo": ["Trim.TellsWhenMemoryWasGivenBack"],
    "TrimScribbles": ["Trim.LeavesLiveBlocksIntact"],
    "MallinfoZero": [
        "Mallinfo2.CountsSmallBlocksHandedOut", "Mallinfo2.CountsLargeBlocksHandedOut",
        "Mallinfo2.SystemMemoryCoversWhatIsHandedOut"],
    "StatsToOutput": ["MallocStats.WritesToStandardErrorAlone"],
    "StatsScribbles": ["MallocStats.LeavesLiveBlocksIntact"],
    "NewReturnsNull": ["New.FailureThrowsBadAlloc", "New.AlignedFailureThrowsBadAlloc"],
    "NothrowThrows": ["New.NothrowFailureGivesNull", "New.AlignedNothrowFailureGivesNull"],
    "IgnoresHandler": [
        "New.CallsTheHandlerUntilThereIsMemory", "New.PassesOnWhatTheHandlerThrows",
        "New.FailsWhenTheHandlerUninstallsItself"],
    "HandlerOnce": [
        "New.CallsTheHandlerUntilThereIsMemory", "New.CallsTheHandlerThatTheHandlerInstalls"],
    "HandlersThrowEscapes": ["New.NothrowGivesNullWhenTheHandlerThrows"],
    "MallocCallsHandler": ["New.MallocDoesNotCallTheHandler"],
    "FirstCallFails": [
        "Thread.FirstCallMayBeAnyAllocation", "Thread.FirstCallMayBeAnyRelease", "Thread.FirstCallMayBeRealloc",
        "Thread.FirstCallMayAskTheAllocator", "Thread.AKeyDestructorMayBeTheFirstCall",
        "Signal.HandlerMayBeTheFirstToAllocateInAThread"],
    "DeepStack": ["Thread.SmallestStackSuffices"],
    "DeadAfterExit": ["Thread.KeyDestructorsMayAllocateAndFreeToTheLastRound"],
    "LeaksPerThread": ["Thread.ShortLivedThreadsLeaveNothingBehind", "Thread.SpaceUsedInLastMomentsIsUsedAgain"],
    "RemoteFreeLeaks": ["Thread.SpaceFreedByAnotherThreadIsUsedAgain"],
    "DiesWithThread": ["Thread.BlocksOutliveTheirThread"],
    "NeedsMainThread": ["Thread.MayGoOnWithoutTheMainThread"],
    "DeadInChild": [
        "Fork.ChildHasACopyOfTheHeap", "Fork.ChildMayForkAgain", "Fork.ChildOfAThreadedProcessMayAllocate",
        "Fork.ChildOfAThreadedProcessMayForkAgain", "Fork.ChildOfAThreadedProcessMayStartThreads",
        "Fork.HandlersMayAllocate"],
    "HangsInChild": ["Fork.ChildHasACopyOfTheHeap"],
    "NotInSpawned": ["Fork.VforkAndExecLeaveTheParentsHeapIntact", "Fork.SpawnedProgramsStart"],
    "FailsInHandler": [
        "Signal.HandlerMayAllocateOutsideOtherCalls", "Signal.HandlerMayBeTheFirstToAllocateInAThread",
        "Signal.HandlerOnItsOwnStackMayAllocate"],
    "ForgetsEarlyBlocks": ["Lifecycle.BlocksFromBeforeMainAreIntact"],
    "DeadAtExit": [
        "Lifecycle.StaticDestructorsMayAllocateAndFree", "Lifecycle.ExitHandlersMayAllocateAndFree",
        "Lifecycle.ProcessMayEndWhileThreadsAllocate"],
    "UnloadScribbles": ["Lifecycle.BlocksOutliveTheLibraryThatAllocatedThem"],
    "PluginFails": ["Lifecycle.LoadedLibraryMayAllocateAndFree"],
    "ExhaustionAborts": [
        "Limit.ExhaustionSetsEnomem", "Limit.AllocationSucceedsWhenTheLimitIsLifted", "Limit.AThreadsFirstCallMayFail"],
    "GivesUp": [
        "Limit.MemoryFreedAfterExhaustionIsUsedAgain", "Limit.EveryMemberReportsExhaustion",
        "Limit.AllocationSucceedsWhenTheLimitIsLifted"],
    "KeepsPieces": ["Limit.ExhaustionSetsEnomem"],
    "HandlersDoNotNest": ["New.HandlerMayAllocateAndFail"],
}
# Reported by a library of its own, which replaces malloc and free alone.
PARTIAL_CHECKS = ["Family.ComesFromOneLibrary"]


def run(*arguments, fault=None):
    """The exit code and output of the runner."""
    environment = {name: value for name, value in os.environ.items() if name != "BROKEN_MALLOC"}
    if fault is not None:
        environment["BROKEN_MALLOC"] = fault
    emulator = ["--emulator", EMULATOR] if EMULATOR and "--emulator" not in arguments else []
    done = subprocess.run([RUNNER, *emulator, *arguments], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def results(library, checks, *arguments, fault=None):
    """Check -> its result."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "results.json"
        pattern = "^(" + "|".join(re.escape(check) for check in checks) + ")$"
        code, output = run("--preload", library, "--filter", pattern, "--must", "hakmem", "--json", str(file),
                           *arguments, fault=fault)
        if not file.exists():
            raise AssertionError(f"{fault}: no results: {output}")
        return code, {entry["check"]: entry for entry in json.loads(file.read_text(encoding="utf-8"))["results"]}


class NegativeControls(unittest.TestCase):
    def test_every_fault_is_reported_by_its_checks(self):
        for fault, checks in FAULTS.items():
            with self.subTest(fault=fault):
                code, found = results(BROKEN, checks, "--timeout", "20", fault=fault)
                self.assertEqual(sorted(found), sorted(checks))
                self.assertEqual([check for check in checks if found[check]["status"] != "fail"], [])
                self.assertEqual(code, 1)

    def test_every_fault_of_the_library_is_under_control(self):
        names = re.findall(r"FAULT\(k(\w+),", (SOURCE / "broken" / "faults.hpp").read_text(encoding="utf-8"))
        self.assertEqual(sorted(names), sorted(FAULTS))

    def test_every_check_reports_some_fault(self):
        code, output = run("--list")
        self.assertEqual(code, 0)
        checks = {line.split()[0] for line in output.splitlines()}
        controlled = {check for of_fault in FAULTS.values() for check in of_fault} | set(PARTIAL_CHECKS)
        self.assertEqual(checks - controlled, set(), "checks that no fault makes fail")
        self.assertEqual(controlled - checks, set(), "no such checks")

    def test_an_incomplete_family_is_reported(self):
        code, found = results(PARTIAL, PARTIAL_CHECKS)
        self.assertEqual([found[check]["status"] for check in PARTIAL_CHECKS], ["fail"])
        self.assertEqual(code, 1)

    def test_what_others_may_lack_hakmem_must_have(self):
        checks = ["Cfree.FreesABlock", "FreeSized.FreesABlock", "FreeAlignedSized.FreesABlock"]
        for library, status in ((PARTIAL, "absent"), (PARTIAL_HAKMEM, "fail")):
            code, found = results(library, checks)
            self.assertEqual([found[check]["status"] for check in checks], [status] * len(checks))
            self.assertEqual(code, int(status == "fail"))

    def test_sizes_that_are_not_given_any_more_are_no_fault_of_realloc(self):
        checks = ["Limit.ReallocUnderExhaustionLeavesTheBlock", "Limit.ShrinkingUnderExhaustionKeepsContents"]
        code, found = results(BROKEN, checks, fault="KeepsPieces")
        self.assertEqual([found[check]["status"] for check in checks], ["pass"] * len(checks), found)
        self.assertEqual(code, 0)

    def test_a_crash_a_hang_and_an_assertion_are_told_apart(self):
        for fault, check, how in (("AlignedNotFreeable", "Free.AcceptsBlocksOfEveryMember", "SIGABRT"),
                                  ("HangsInChild", "Fork.ChildHasACopyOfTheHeap", "time-out"),
                                  ("CallocTail", "Calloc.ZeroesEveryByte", "assertion")):
            _, found = results(BROKEN, [check], "--timeout", "2", fault=fault)
            self.assertEqual(found[check]["how"], how)


class Runner(unittest.TestCase):
    def assert_refused(self, *arguments, word):
        code, output = run(*arguments)
        self.assertEqual(code, 2, output)
        self.assertIn(word, output.splitlines()[0])
        self.assertIn("Usage:", output)

    def test_wrong_calls_end_with_usage_and_2(self):
        self.assert_refused("--bogus", word="--bogus")
        self.assert_refused("stray", word="stray")
        self.assert_refused("--preload", word="--preload")
        self.assert_refused("--preload", "/no/such/library.so", word="/no/such/library.so")
        self.assert_refused("--filter", "(", word="(")
        self.assert_refused("--filter", "NoSuchCheck", word="NoSuchCheck")
        self.assert_refused("--must", "everything", word="everything")
        self.assert_refused("--timeout", "0", word="--timeout")
        self.assert_refused("--jobs", "0", word="--jobs")
        self.assert_refused("--jobs", "two", word="--jobs")
        self.assert_refused("--known", "/no/such/file", word="/no/such/file")
        self.assert_refused("--emulator", "/no/such/emulator", word="/no/such/emulator does not run")
        self.assert_refused("--filter", "Free.NullDoesNothing", "--json", "/no/such/folder/file", word="cannot write")

    def test_a_library_that_is_no_malloc_is_refused(self):
        self.assert_refused("--preload", str(pathlib.Path(RUNNER).parent / "libconformance_plugin.so"),
                            word="does not take malloc's place")

    def test_known_deviations_are_accepted_and_need_not_be_there(self):
        with tempfile.TemporaryDirectory() as folder:
            known = pathlib.Path(folder) / "known.json"
            known.write_text(json.dumps({"conformance_broken_malloc": {"Calloc.ZeroesEveryByte": "for a test"}}),
                             encoding="utf-8")
            arguments = ["--preload", BROKEN, "--filter", "Calloc.ZeroesEveryByte", "--known", str(known)]
            self.assertEqual(run(*arguments, fault="CallocTail")[0], 0)
            code, output = run(*arguments)
            self.assertEqual(code, 0)
            self.assertIn("keeps Calloc.ZeroesEveryByte, which other versions break", output)
            self.assertEqual(run(*arguments[:-2], fault="CallocTail")[0], 1)

    def test_a_malloc_without_the_fault_passes_the_same_check(self):
        code, output = run("--preload", BROKEN, "--filter", "^(Calloc|Malloc)")
        self.assertEqual((code, output.splitlines()[-1].split(":")[1]), (0, " PASSED"), output)

    def test_only_levels_that_must_hold_decide(self):
        arguments = ["--preload", BROKEN, "--filter", "Malloc.ZeroBytesGiveABlock"]
        self.assertEqual(run(*arguments, "--must", "required", fault="ZeroNull")[0], 0)
        self.assertEqual(run(*arguments, "--must", "glibc", fault="ZeroNull")[0], 1)


if __name__ == "__main__":
    RUNNER, BROKEN, PARTIAL, PARTIAL_HAKMEM = (str(pathlib.Path(argument).resolve()) for argument in sys.argv[1:5])
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
