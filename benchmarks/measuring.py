"""Seconds, memory and tables: what every benchmark prints with."""

import gc
import os
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

Work = Callable[[], object]


def fastest(ways: Mapping[str, Work], repeats: int, most_seconds: float = 20.0) -> dict[str, float]:
    """The best time of each way; they take turns, so that a slow minute of the machine hits all of them.

    A way that took more than ``most_seconds`` in total is not run again.
    """
    best = dict.fromkeys(ways, float("inf"))
    spent = dict.fromkeys(ways, 0.0)
    for _ in range(repeats):
        for name, work in ways.items():
            if spent[name] > most_seconds:
                continue
            gc.collect()
            start = time.perf_counter()
            work()
            took = time.perf_counter() - start
            best[name] = min(best[name], took)
            spent[name] += took
    return best


def extra_megabytes(work: Work) -> float:
    """The peak of what Python and numpy allocate beside the answer itself, by tracemalloc; 1 MB is 10⁶ bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        answer = work()
        kept, peak = tracemalloc.get_traced_memory()
        del answer
        return (peak - kept) / 1e6
    finally:
        tracemalloc.stop()


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        padded = [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (w + 1) + ":" for w in widths[1:])]) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def publish(name: str, text: str, write: bool) -> None:
    """Print a text, and put it into the document between its two markers if ``write`` is set."""
    print(f"\n{text}", flush=True)
    if write:
        document = DOCUMENT.read_text()
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = document.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"{DOCUMENT} has no place for {name!r}.")
        DOCUMENT.write_text(f"{before}{start}\n{text}\n\n{end}{after}")


def numeric_threads() -> None:
    """Say what would make the figures another machine's: settings that slow numpy's BLAS down."""
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        if variable in os.environ:
            print(f"{variable} is set and slows numpy: unset it for figures that compare.")
