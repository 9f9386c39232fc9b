"""Seconds per measure of uncertainty, against scipy's entropy and a plain sort in the same run.

    python benchmarks/bench_uncertainty.py [--full]

``--full`` adds ten million tasks. The floor is the time to read the array once, in two threads.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from al_core.uncertainty import UncertaintySampling

SHAPES = [(1_000_000, 2), (1_000_000, 10), (1_000_000, 100), (100_000, 1000)]


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The best of a few runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def by_sort(rows: np.ndarray, measure: str) -> np.ndarray:
    """Any of the measures of the two likeliest classes, from a full sort of each row."""
    ordered = np.sort(rows, axis=1)
    first, second = ordered[:, -1], ordered[:, -2]
    return {"least_confidence": 1 - first, "margin": 1 - (first - second), "ratio": second / first}[measure]


def main() -> None:
    shapes = SHAPES + [(10_000_000, 10)] * ("--full" in sys.argv)
    print(f"{'tasks':>10} {'classes':>7} {'measure':<16} {'ours s':>8} {'peer s':>8} {'peer/ours':>9} {'ours/floor':>10}")
    for count, classes in shapes:
        rows = np.random.default_rng(0).random((count, classes), dtype=np.float32)
        rows /= rows.sum(axis=1, keepdims=True)
        halves = np.array_split(rows, 2)
        with ThreadPoolExecutor(2) as pool:
            floor = seconds(lambda: list(pool.map(np.sum, halves)))
        for measure in ("entropy", "least_confidence", "margin", "ratio"):
            ours = seconds(lambda: UncertaintySampling.score(rows, measure))
            if measure == "entropy":
                peer = seconds(lambda: stats.entropy(rows, axis=1), repeats=1)
            else:
                peer = seconds(lambda: by_sort(rows, measure), repeats=1)
            print(
                f"{count:>10} {classes:>7} {measure:<16} {ours:8.4f} {peer:8.4f} {peer / ours:9.1f} {ours / floor:10.1f}"
            )


if __name__ == "__main__":
    main()
