"""hakmem-check in the night: both engines over every suite, generated programs, then slices of the suites' whole plans by
each engine, as long as they are given."""
import hashlib
import shutil

from hakmem_ci.core import report
from hakmem_ci.jobs.nightly.work import Item
from hakmem_ci.jobs.verify import models
from hakmem_ci.jobs.verify.plan import Check

SLICES = 8
# Of each night: programs of attached threads, which are searched to their ends, and others, in which threads come and go.
PROGRAMS = (("attached", 1000, ()), ("seed", 100, ("--scheduler", "graph=1")))


# Each suite by the engine that says most of it, and then by the other one.
ENGINES = {"planned": (), "relacy": ("--engine", "relacy")}


def positions(context, tool, engine, number):
    """Where cut searches of this very program go on. Those of another build name other executions and are dropped."""
    build = hashlib.sha256(tool.read_bytes()).hexdigest()[:16]
    folder = context.state.place("models", engine, str(number))
    for other in folder.iterdir():
        if other.name != build:
            shutil.rmtree(other)
    return context.state.place("models", engine, str(number), build)


def models_item(engine, number):
    title = f"slice {number} of {SLICES}, {engine}"

    def run(context, seconds):
        tool, cause = context.program("model", "hakmem-check")
        if tool is None:
            context.add(report.incomplete(models.PART, title, cause))
            return
        arguments = ["run", "--shard", f"{number}/{SLICES}", "--seconds", max(1, int(seconds)), "--jobs", context.jobs,
                     "--seed", context.seed, "--state", positions(context, tool, engine, number), *ENGINES[engine]]
        # The suites' whole plans take minutes; with less time the small ones are done whole.
        if seconds * SLICES < 600:
            arguments.insert(1, "--quick")
        models.run_tool(context, Check(models.PART, f"models-{engine}-{number}", None), tool, arguments,
                        lambda row: f"broken variants, {title}" if row["broken_variant"] else None)

    return Item(f"models: {title}", (("model", "hakmem-check"),), run)


def run_engines(context, _):
    """Every suite by both engines of the checker, which must agree."""
    tool, cause = context.program("model", "hakmem-check")
    if tool is None:
        context.add(report.incomplete(models.PART, "both engines", cause))
        return
    arguments = ["run", "--quick", "--engine", "both", "--jobs", context.jobs]
    models.run_tool(context, Check(models.PART, "models-engines", None), tool, arguments, lambda row: "suites by both engines")


def run_programs(context, _):
    """Generated programs of the whole heap by graphs. A row that fails names its program by its seed."""
    tool, cause = context.program("model", "hakmem-check")
    if tool is None:
        context.add(report.incomplete(models.PART, "generated programs", cause))
        return
    for kind, count, options in PROGRAMS:
        arguments = ["run", "--program", f"{kind}:{context.seed}+{count}", "--jobs", context.jobs, *options]
        models.run_tool(context, Check(models.PART, f"models-programs-{kind}", None), tool, arguments,
                        lambda row, title=f"generated programs, {kind}": title)


BOTH = Item("models: both engines", (("model", "hakmem-check"),), run_engines, fills=False)
GENERATED = Item("models: generated programs", (("model", "hakmem-check"),), run_programs, fills=False)
MODELS = (BOTH, GENERATED, *(models_item(engine, number) for engine in ENGINES for number in range(1, SLICES + 1)))
