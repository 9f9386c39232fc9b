"""What the runner says of the values that the core gives."""

from collections.abc import Sequence
from typing import Any

from al_core.evaluation import Interval
from al_core.types import Batch, BatchItem, Scores
from trustai.history import RoundRecord

STANDS = {
    "recommended": "its batch is chosen, and not published yet",
    "published": "it waits for labels",
    "labelled": "its labels are there, and the model is to learn from them",
    "training": "the backend was asked to train",
    "trained": "the model is trained, and not measured yet",
}
"""Where a round stands, in words."""

VERDICTS = {"new_model": "A new model", "same_model": "The same model as before", "failed": "The training failed"}

SHOWN = 20
"""Tasks of a batch that are listed; the tab in Label Studio has all of them."""


def recorded(number: int, scores: Scores, batch: Batch) -> RoundRecord:
    return RoundRecord(
        number=number,
        step="recommended",
        strategy=scores.strategy,
        batch=[_task(item) for item in batch.items],
        note=batch.note,
        model_version=scores.model_version,
        pool_size=len(scores.pool.task_ids),
    )


def _task(item: BatchItem) -> dict[str, Any]:
    return {
        "task_id": item.task_id,
        "lane": item.lane,
        "score": item.score,
        "predicted": item.predicted_label,
        "probability": next(iter(item.probabilities.values()), None),
    }


def batch_table(record: RoundRecord) -> tuple[str, list[str], list[list[str]]]:
    """Title, columns and rows of a recommended batch."""
    shown = record.batch[:SHOWN]
    more = f", the first {len(shown)}" if len(shown) < len(record.batch) else ""
    title = f"Round {record.number}: {len(record.batch):,} of {record.pool_size:,} tasks{more}"
    rows = [
        [str(rank), str(task["task_id"]), task["lane"], _number(task["score"], ".3f"), _predicted(task)]
        for rank, task in enumerate(shown, start=1)
    ]
    return title, ["rank", "task", "why", "score", "the model says"], rows


def _number(value: float | None, style: str) -> str:
    return "unknown" if value is None else format(value, style)


def _predicted(task: dict[str, Any]) -> str:
    if not task["predicted"]:
        return "nothing known"
    return f"{task['predicted']} ({_number(task['probability'], '.0%')})"


def share(value: Interval) -> str:
    return f"{value.value:.1%} (95 % interval {value.low:.1%} to {value.high:.1%})"


def curve_points(rounds: Sequence[RoundRecord]) -> list[tuple[int, Interval]]:
    """Labels and the headline metric of every round that was measured."""
    return [
        (int(each.training["label_count"]), Interval(*(each.metrics[0][name] for name in ("value", "low", "high"))))
        for each in rounds
        if each.metrics and each.training
    ]
