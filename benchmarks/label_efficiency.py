"""How many labels each strategy needs: ours and the peers' in the same loop, on real data.

    python -m benchmarks.label_efficiency [--seeds 10] [--data digits] [--asker kmeans] [--jobs 1] [--short] [--write]

Pool-based simulation: 10 labels drawn at random, then batches of 10 up to 310; after each the model is trained anew
and tested on tasks that are never in the pool. All strategies of one seed share the split and the first ten labels.
``--data`` and ``--asker`` take only what has that in its name; ``--short`` is two seeds of logistic regression on
digits and Reuters, and the strategies that matter most.
"""

import argparse
import time
import warnings
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.askers import DEFAULT, OURS, PEERS, Asker, Round
from benchmarks.measuring import markdown, numeric_threads, publish
from benchmarks.problems import PROBLEMS, Problem, available

START = BATCH = 10
MOST = 310
ASKERS: Mapping[str, Asker] = OURS | PEERS
SHORT = {
    "data": ("digits, logistic regression", "Reuters R8, logistic regression"),
    "askers": ("random", "entropy", "margin", DEFAULT, "scikit-activeml: Falcun", "scikit-activeml: TypiClust"),
}
TINY = {"data": ("wine, logistic regression",), "askers": tuple(ASKERS)}


def simulate(problem: Problem, asker: Asker, seed: int, most: int = MOST) -> np.ndarray:
    """Accuracy on the test set after 10, 20, … labels."""
    count = len(problem.labels)
    labelled = first_labels(problem, seed)
    accuracies = []
    while True:
        model = problem.model().fit(problem.inputs[labelled], problem.labels[labelled])
        accuracies.append(model.score(problem.test_inputs, problem.test_labels))
        if len(labelled) + BATCH > min(most, count - BATCH):
            return np.array(accuracies)
        pool = np.setdiff1d(np.arange(count), labelled)
        picked = asker(Round(problem, labelled, pool, model, BATCH, seed * 1_000 + len(labelled)))
        labelled = np.concatenate([labelled, pool[picked]])
        if len(np.unique(labelled)) < len(labelled) or len(picked) != BATCH:
            raise RuntimeError("A batch is not of ten new tasks.")


def first_labels(problem: Problem, seed: int) -> np.ndarray:
    """Ten at random, of two classes at least, for no classifier learns from one."""
    rng = np.random.default_rng(seed)
    while True:
        drawn = rng.choice(len(problem.labels), START, replace=False)
        if len(np.unique(problem.labels[drawn])) > 1:
            return drawn


@dataclass(frozen=True)
class Result:
    """What one asker reached on one problem."""

    curves: np.ndarray
    """(seeds, steps) accuracies."""
    full: float
    """Accuracy with every label of the pool, mean of the seeds."""

    def needed(self, share: float) -> np.ndarray:
        """(seeds,) labels when the accuracy first reached that share of the full one; NaN where it never did."""
        there = self.curves >= share * self.full
        return np.where(there.any(axis=1), START + BATCH * there.argmax(axis=1), np.nan)

    def mean_needed(self, share: float) -> float:
        """Mean of the seeds; a run that never got there counts with the last step."""
        last = START + BATCH * (self.curves.shape[1] - 1)
        return float(np.nan_to_num(self.needed(share), nan=last).mean())

    @cached_property
    def areas(self) -> np.ndarray:
        """(seeds,) area under the curve of accuracy over labels, as a mean accuracy."""
        return (self.curves[:, 1:] + self.curves[:, :-1]).mean(axis=1) / 2


def run(problem_name: str, asker_name: str, seed: int, most: int) -> np.ndarray:
    """One curve; a function of names, so that another process can do it."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # classifiers speak of convergence, peers of their own defaults
        return simulate(PROBLEMS[problem_name](seed), ASKERS[asker_name], seed, most)


def full_accuracy(problem_name: str, seed: int) -> float:
    problem = PROBLEMS[problem_name](seed)
    model = problem.model().fit(problem.inputs, problem.labels)
    return float(model.score(problem.test_inputs, problem.test_labels))


HEADER = ["strategy", "to 90 %", "to 95 %", "to 98 %", "labels at 95 % ÷ random's", "area under the curve", "± s.e."]


def table(results: Mapping[str, Result]) -> str:
    """One line a strategy, the largest area first."""
    rows = []
    for name, result in sorted(results.items(), key=lambda item: -item[1].areas.mean()):
        unreached = {share: "*" if np.isnan(result.needed(share)).any() else "" for share in (0.9, 0.95, 0.98)}
        ratio = result.mean_needed(0.95) / results["random"].mean_needed(0.95) if "random" in results else np.nan
        error = result.areas.std(ddof=1) / len(result.areas) ** 0.5 if len(result.areas) > 1 else np.nan
        rows.append(
            [
                f"**{name}**" if name == DEFAULT else name,
                *(f"{result.mean_needed(share):.0f}{star}" for share, star in unreached.items()),
                f"{ratio:.2f}",
                f"{result.areas.mean():.4f}",
                f"{error:.4f}",
            ]
        )
    return markdown(HEADER, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--data", default="", help="only problems with this in their name")
    parser.add_argument("--asker", action="append", help="only strategies with this in their name, and random")
    parser.add_argument("--jobs", type=int, default=1)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--short", action="store_true")
    size.add_argument("--tiny", action="store_true", help="30 labels of wine: to see that it runs")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    args = parser.parse_args()
    numeric_threads()
    most = 30 if args.tiny else MOST
    wanted = TINY if args.tiny else SHORT if args.short else {"data": tuple(PROBLEMS), "askers": tuple(ASKERS)}
    if args.short or args.tiny:
        args.seeds = 2
    problems = [name for name in available() if name in wanted["data"] and args.data in name]
    if len(available()) < len(PROBLEMS):
        print("Reuters is left out: its data is not here (`make bench` takes it).")
    asked = args.asker or [""]
    askers = [name for name in wanted["askers"] if name == "random" or any(part in name for part in asked)]
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    with ProcessPoolExecutor(args.jobs) as processes:
        for problem in problems:
            start = time.perf_counter()
            full = float(np.mean(list(processes.map(partial(full_accuracy, problem), seeds))))
            curves = {name: [processes.submit(run, problem, name, seed, most) for seed in seeds] for name in askers}
            results = {
                name: Result(np.array([curve.result() for curve in found]), full) for name, found in curves.items()
            }
            text = f"**{problem}**: {full:.1%} with every label; seeds {seeds[0]} to {seeds[-1]}.\n\n{table(results)}"
            publish(f"labels: {problem}", text, args.write)
            print(f"({(time.perf_counter() - start) / 60:.1f} minutes)", flush=True)


if __name__ == "__main__":
    main()
