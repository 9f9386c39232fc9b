"""Seconds and memory of the four measures of uncertainty and of a top 100, beside the peers' in the same run.

    python -m benchmarks.scoring [--full] [--tiny] [--write]

``--full`` adds 10⁷ tasks and 10⁵ classes. The floor is the time that two threads need to add the array up once.
Memory is the peak of what Python and numpy allocate beside the scores themselves (tracemalloc).
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from modAL.uncertainty import _proba_entropy, _proba_margin, _proba_uncertainty
from modAL.utils.selection import multi_argmax, shuffled_argmax
from skactiveml.pool import uncertainty_scores
from small_text.query_strategies import BreakingTies, LeastConfidence, PredictionEntropy

from al_core.diversity import most_uncertain
from al_core.seeding import task_keys
from al_core.uncertainty import MEASURES, UncertaintySampling
from benchmarks.measuring import Work, extra_megabytes, fastest, markdown, numeric_threads, publish

SHAPES = [(1_000_000, 2), (1_000_000, 10), (1_000_000, 100), (100_000, 1_000)]
FULL = [(10_000_000, 10), (10_000, 100_000)]
TINY = [(2_000, 3)]
SLOW_PEER_NUMBERS = 10_000_000
"""small-text goes row by row: it is timed on the first rows of an array, and its time scaled up."""
SLOW_PEER_ROWS = 20_000
BATCH = 100

_SCIKIT_ACTIVEML = {"entropy": "entropy", "least_confidence": "least_confident", "margin": "margin_sampling"}
_MODAL = {"entropy": _proba_entropy, "least_confidence": _proba_uncertainty, "margin": _proba_margin}
_SMALL_TEXT = {"entropy": PredictionEntropy, "least_confidence": LeastConfidence, "margin": BreakingTies}


@dataclass(frozen=True)
class Known:
    """A classifier as small-text asks it: its probabilities are there already."""

    rows: np.ndarray

    def predict_proba(self, dataset: object) -> np.ndarray:
        return self.rows


def pool(count: int, classes: int, dtype: type) -> np.ndarray:
    """(count, classes) distributions, some of them sure."""
    rows = np.random.default_rng(0).random((count, classes), dtype=np.float32)
    rows **= 4
    rows /= rows.sum(axis=1, keepdims=True)
    return rows.astype(dtype, copy=False)


def peers_of(measure: str, rows: np.ndarray) -> dict[str, Work]:
    """What each peer would do for this measure; none of them has the ratio."""
    ways: dict[str, Work] = {}
    if measure in _MODAL:
        ways["modAL"] = partial(_MODAL[measure], rows)
        ways["scikit-activeml"] = partial(uncertainty_scores, rows, method=_SCIKIT_ACTIVEML[measure])
    return ways


def small_text_seconds(measure: str, rows: np.ndarray) -> float:
    """Seconds for all rows; where it goes row by row, from the first of them."""
    few = rows if measure == "least_confidence" else rows[:SLOW_PEER_ROWS]
    strategy = _SMALL_TEXT[measure]()
    work = partial(strategy.get_confidence, Known(few), few, None, None, None)
    return fastest({"it": work}, repeats=1)["it"] * len(rows) / len(few)


def floor_of(rows: np.ndarray, threads: ThreadPoolExecutor) -> Work:
    halves = np.array_split(rows, 2)
    return lambda: list(threads.map(np.sum, halves))


def measure_rows(rows: np.ndarray, repeats: int) -> list[list[str]]:
    """The lines of the table for one array."""
    shape = f"{len(rows):,} × {rows.shape[1]:,} {rows.dtype}"
    lines = []
    with ThreadPoolExecutor(2) as threads:
        floor = floor_of(rows, threads)
        floor()
        for measure in (*MEASURES, "all four"):
            if measure == "all four":
                ours: Work = partial(UncertaintySampling.all, rows)
            else:
                ours = partial(UncertaintySampling.score, rows, measure)
            peers = peers_of(measure, rows)
            best = fastest({"floor": floor, "ours": ours} | peers, repeats)
            if measure in _SMALL_TEXT:
                best["small-text"] = small_text_seconds(measure, rows)
            names = ("modAL", "scikit-activeml", "small-text")
            known = [best[name] for name in names if name in best]
            lines.append(
                [
                    shape,
                    measure.replace("_", " "),
                    f"{best['floor']:.4f}",
                    f"{best['ours']:.4f}",
                    f"{best['ours'] / best['floor']:.1f}",
                    *(f"{best[name]:.3f}" if name in best else "–" for name in names),
                    f"{min(known) / best['ours']:.1f}" if known else "–",
                    f"{extra_megabytes(ours):.0f}",
                    f"{max(map(extra_megabytes, peers.values())):.0f}" if peers else "–",
                ]
            )
    return lines


SCORING = [
    "tasks × classes",
    "measure",
    "floor s",
    "ours s",
    "× floor",
    "modAL s",
    "scikit-activeml s",
    "small-text s",
    "fastest peer ÷ ours",
    "ours MB",
    "peers MB",
]


def top_rows(count: int, repeats: int) -> list[list[str]]:
    """The lines of the table of picking the highest scores."""
    scores = np.random.default_rng(1).random(count)
    keys = task_keys(np.arange(count), 0)
    ways: dict[str, Work] = {
        "ours, ties by seed": lambda: most_uncertain(scores, BATCH, keys),
        "modAL multi_argmax": lambda: multi_argmax(scores, BATCH),
        "modAL shuffled_argmax": lambda: shuffled_argmax(scores, BATCH),
        "numpy argpartition (no order, ties by chance)": lambda: np.argpartition(scores, -BATCH)[-BATCH:],
        "numpy stable argsort": lambda: np.argsort(-scores, kind="stable")[:BATCH],
    }
    best = fastest(ways, repeats)
    return [[f"{count:,}", way, f"{best[way] * 1e3:.1f}", f"{extra_megabytes(work):.0f}"] for way, work in ways.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--tiny", action="store_true", help="a size that tells nothing, to see that it runs")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    args = parser.parse_args()
    numeric_threads()
    shapes = TINY if args.tiny else SHAPES + FULL * args.full
    repeats = 2 if args.tiny else 5
    lines = []
    for count, classes in shapes:
        for dtype in (np.float32, np.float64):
            if count * classes > 10**8 and dtype is np.float64:
                continue  # 8 GB
            new = measure_rows(pool(count, classes, dtype), repeats)
            lines += new
            print(markdown(SCORING, new), flush=True)
    publish("scoring", markdown(SCORING, lines), args.write)
    counts = [2_000] if args.tiny else [1_000_000] + [10_000_000] * args.full
    tops = [line for count in counts for line in top_rows(count, repeats)]
    publish("top", markdown(["tasks", "way", "ms", "MB"], tops), args.write)


if __name__ == "__main__":
    main()
