"""Seconds per measure of uncertainty, against scipy's entropy and a plain sort in the same run.

    python -m benchmarks.bench_uncertainty [--full]

``--full`` adds ten million tasks. The floor is the time to read the array once, in two threads.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from scipy import stats

from al_core.uncertainty import UncertaintySampling

SHAPES = [(1_000_000, 2), (1_000_000, 10), (1_000_000, 100), (100_000, 1000)]


def seconds(work: Callable[..., object], *arguments: object, repeats: int = 3) -> float:
    """The best of a few runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def by_sort(rows: np.ndarray, measure: str) -> np.ndarray:
    """Any of the measures of the two likeliest classes, from a full sort of each row."""
    ordered = np.sort(rows, axis=1)
    first, second = ordered[:, -1], ordered[:, -2]
    return {"least_confidence": 1 - first, "margin": 1 - (first - second), "ratio": second / first}[measure]


def main() -> None:
    shapes = SHAPES + [(10_000_000, 10)] * ("--full" in sys.argv)
    print("     tasks classes measure            ours s   peer s peer/ours ours/floor")
    for count, classes in shapes:
        rows = np.random.default_rng(0).random((count, classes), dtype=np.float32)
        rows /= rows.sum(axis=1, keepdims=True)
        halves = np.array_split(rows, 2)
        with ThreadPoolExecutor(2) as pool:
            floor = seconds(lambda run, parts: list(run(np.sum, parts)), pool.map, halves)
        for measure in ("entropy", "least_confidence", "margin", "ratio"):
            ours = seconds(UncertaintySampling.score, rows, measure)
            if measure == "entropy":
                peer = seconds(partial(stats.entropy, axis=1), rows, repeats=1)
            else:
                peer = seconds(by_sort, rows, measure, repeats=1)
            case = f"{count:>10} {classes:>7} {measure:<16}"
            print(f"{case} {ours:8.4f} {peer:8.4f} {peer / ours:9.1f} {ours / floor:10.1f}")


if __name__ == "__main__":
    main()
