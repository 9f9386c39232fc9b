"""Pools of tens of thousands of tasks on a real Label Studio: reading, predicting, whole rounds, several workers.

    python -m benchmarks.pool [--tasks 10000 100000] [--only reading predicting rounds workers] [--write]

Every ratio is of one run on one machine. What Label Studio itself takes is in every figure. A target that is missed
is printed as missed; only work that fails ends the command with an error.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.measuring import markdown, numeric_threads, publish
from benchmarks.pool_predicting import our_seconds, retrieved_seconds, storing
from benchmarks.pool_reading import plain_seconds, read_twice, sdk_seconds
from benchmarks.pool_rounds import Shared, bytes_a_task, round_alone, round_shared
from benchmarks.pool_stack import Server, backend, label_studio

TASKS = [10_000, 100_000]
REPEATS = 3
PREDICTED = 2_000
"""Tasks that Label Studio retrieves predictions of: ten thousand would take it many minutes."""
SHARED = 2_000
DELAY = 0.02
"""Seconds that the slow backend takes a task, one after the other in each request."""
WORKERS = (1, 2, 4)
CLASSES = 10


@dataclass(frozen=True)
class Finding:
    """One measured figure, and what it should be."""

    what: str
    tasks: int
    measured: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        return self.measured >= (self.least or 0) if self.most is None else self.measured <= self.most

    def row(self) -> list[str]:
        target = f"≥ {self.least:g}{self.unit}" if self.most is None else f"≤ {self.most:g}{self.unit}"
        verdict = "yes" if self.met else "**no**"
        return [self.what, f"{self.tasks:,}", _figure(self.measured, self.unit), target, verdict]


def _figure(number: float, unit: str) -> str:
    return f"{number:.1f}{unit}" if abs(number) < 100 else f"{number:,.0f}{unit}"


@dataclass(frozen=True)
class Part:
    """What one kind of measurement came to: a table with words, and how it stands to the targets."""

    text: str
    findings: Sequence[Finding] = ()


# --------------------------------------------------------------------- the parts


def reading(server: Server, counts: Sequence[int], fast: str) -> Part:
    small = counts[0]
    sdk, plain = (
        sdk_seconds(server, server.predicted(small), small),
        plain_seconds(server, server.predicted(small), small),
    )
    rows, findings = [], []
    for count in counts:
        ours = read_twice(server, server.predicted(count), count, REPEATS)
        scale, sign = count / small, "" if count == small else "≈ "
        rows.append(
            [
                f"{count:,}",
                f"{sign}{sdk * scale:.1f}",
                f"{sign}{plain * scale:.1f}",
                f"{ours.first:.2f}",
                f"{ours.again:.2f}",
                f"{sdk * scale / ours.first:.0f}",
                f"{sdk * scale / ours.again:.0f}",
            ]
        )
        findings += [
            Finding("first reading, times as fast as the SDK's", count, sdk * scale / ours.first, " ×", least=10),
            Finding("second reading, times as fast as the SDK's", count, sdk * scale / ours.again, " ×", least=100),
        ]
    header = ["tasks", "SDK s", "plain pages s", "ours, first s", "ours, again s", "SDK ÷ first", "SDK ÷ again"]
    note = f"≈: scaled up from {small:,} tasks." if len(counts) > 1 else ""
    return Part(f"{markdown(header, rows)}\n\n{note}".strip(), findings)


def predicting(server: Server, counts: Sequence[int], fast: str) -> Part:
    count = min(PREDICTED, counts[0])
    theirs, came = retrieved_seconds(server, server.bare(count, "Retrieved"), count, fast)
    ours = our_seconds(server, server.bare(count, "Asked"), count, fast)
    back = our_seconds(server, server.bare(count, "Written back"), count, fast, write_back=True)
    many = our_seconds(server, server.predicted(counts[0]), counts[0], fast)
    cost = storing(server, count)

    def row(way: str, tasks: int, seconds: float, in_label_studio: str) -> list[str]:
        return [way, f"{tasks:,}", f"{seconds:.2f}", f"{seconds / tasks * 1e3:.2f}", in_label_studio]

    rows = [
        row("Label Studio: retrieve predictions", count, theirs, f"{came:,}"),
        row("ours, asking the backend", count, ours, "–"),
        row("ours, asking the backend and storing", count, back, f"{count:,}"),
        row("ours, asking the backend", counts[0], many, "–"),
        row("storing alone: many in a call", count, cost.batches * count / 1e3, f"{count:,}"),
        row("storing alone: one a call", count, cost.single * count / 1e3, f"{count:,}"),
    ]
    return Part(
        markdown(["way", "tasks", "s", "ms a task", "stored in Label Studio"], rows),
        [
            Finding("predicting, times as fast as “retrieve predictions”", count, theirs / ours, " ×", least=1),
            Finding("the same with the predictions stored", count, theirs / back, " ×", least=1),
        ],
    )


def rounds(server: Server, counts: Sequence[int], fast: str) -> Part:
    spent = {
        strategy: [round_alone(server, server.predicted(count), count, fast, strategy) for count in counts]
        for strategy in ("margin", "random")
    }
    rows = [
        [
            each.strategy,
            f"{each.tasks:,}",
            f"{each.seconds:.1f}",
            f"{each.cpu:.1f}",
            f"{each.waiting:.0%}",
            *(f"{size / 1e6:.0f}" for size in (each.idle, each.peak, each.growth)),
        ]
        for every in spent.values()
        for each in every
    ]
    header = ["strategy", "tasks", "s", "CPU s", "waiting", "idle MB", "peak MB", "growth MB"]
    largest = spent["margin"][-1]
    findings = [
        Finding("CPU of a round", largest.tasks, largest.cpu, " s", most=5),
        Finding("memory of a round above an idle worker's", largest.tasks, largest.growth / 1e6, " MB", most=400),
    ]
    words = ""
    if len(counts) > 1:
        bare, known = (bytes_a_task(*(spent[name][0], spent[name][-1])) for name in ("random", "margin"))
        findings.append(Finding("memory a task, no probabilities kept", largest.tasks, bare, " B", most=100))
        words = (
            f"From {counts[0]:,} to {counts[-1]:,} tasks the peak rises by {bare:.0f} bytes a task where no "
            f"probabilities are kept and by {known:.0f} with {CLASSES} classes, whose numbers alone are "
            f"{4 * CLASSES} bytes."
        )
    return Part(f"{markdown(header, rows)}\n\n{words}".strip(), findings)


def workers(server: Server, counts: Sequence[int], fast: str) -> Part:
    count = min(SHARED, counts[0])
    project = server.bare(count, "Shared out")
    with backend(DELAY) as slow:
        shared = [round_shared(server, project, slow, number) for number in WORKERS]
    one = shared[0]
    rows = [_shared_row(each, one) for each in shared]
    return Part(
        markdown(["workers", "s", "times as fast as one", "same batch and scores"], rows),
        [
            Finding(f"{each.workers} workers, times as fast as one", count, one.seconds / each.seconds, " ×", least=1)
            for each in shared[1:]
        ],
    )


def _shared_row(each: Shared, one: Shared) -> list[str]:
    if each.batch != one.batch:
        raise RuntimeError(f"{each.workers} workers came to another batch than one.")
    return [str(each.workers), f"{each.seconds:.1f}", f"{one.seconds / each.seconds:.2f}", "yes"]


PARTS: dict[str, Callable[[Server, Sequence[int], str], Part]] = {
    "rounds": rounds,
    "predicting": predicting,
    # Late, for it leaves projects that people have worked on.
    "reading": reading,
    "workers": workers,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, nargs="+", default=TASKS, help="sizes of the pools")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some of the measurements")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    args = parser.parse_args()
    numeric_threads()
    counts = sorted(args.tasks)
    findings: list[Finding] = []
    with label_studio(counts) as server, backend() as fast:
        for name in (name for name in PARTS if name in args.only):
            part = PARTS[name](server, counts, fast)
            publish(f"pool-{name}", part.text, args.write)
            findings += part.findings
    targets = markdown(["what", "tasks", "measured", "target", "met"], [finding.row() for finding in findings])
    publish("pool", targets, args.write and set(args.only) == set(PARTS))


if __name__ == "__main__":
    main()
