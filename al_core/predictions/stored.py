"""The predictions that Label Studio has stored, by the way that costs it least."""

from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from al_core.errors import ServerUnreachable, UnexpectedAnswer
from al_core.flights import in_flight, pumped
from al_core.label_studio import LabelStudio
from al_core.label_studio.client import PREDICTED_PAGE_SIZE
from al_core.predictions.reports import Reports
from al_core.types import Prediction

STREAM_MOST = 200_000
"""Predictions of a project that are asked for in one answer at most: Label Studio holds all of it in its memory."""

PAGES_IN_FLIGHT = 2

BY_ID_COST = 15
"""How many predictions of a stream take the time of one task that is asked for by its id."""

BY_ID = 200
"""Tasks asked for at a time by their ids."""

SAY_EVERY = 500


def stored_predictions(
    label_studio: LabelStudio,
    project_id: int,
    wanted: NDArray[np.int64] | None,
    *,
    task_count: int,
    stored_count: int,
    reports: Reports,
) -> Iterator[Prediction]:
    """Stored predictions of every model version, those of one task in the order in which they were made.

    Parameters
    ----------
    wanted : (n,) array of int64, optional
        Ids of the tasks; predictions of others may come along. None: all tasks.
    task_count, stored_count : int
        Tasks of the project, and predictions of all versions, about.

    Raises
    ------
    ServerUnreachable
        Label Studio does not answer. What it gave before has been given.
    """
    if wanted is not None and BY_ID_COST * len(wanted) <= stored_count:
        yield from _by_ids(label_studio, project_id, wanted, reports)
        return
    if stored_count <= STREAM_MOST:
        try:
            given = yield from _streamed(label_studio, project_id, stored_count, reports)
            if given >= stored_count:
                return
        except (ServerUnreachable, UnexpectedAnswer):
            # Cut, or given up by something in between that waits less long than it takes: smaller answers may pass.
            pass
    yield from _by_pages(label_studio, project_id, wanted, task_count, reports)


def _streamed(
    label_studio: LabelStudio, project_id: int, count: int, reports: Reports
) -> Generator[Prediction, None, int]:
    """What the stream gives, and in the end how many: fewer than were counted may be all that something let through."""
    done = 0
    reports.say(0, count, "Reading predictions.")
    stream = label_studio.prediction_stream(project_id, lambda parts: pumped(parts, reports.tick, parcel_size=1))
    for done, prediction in enumerate(stream, start=1):
        yield prediction
        if done % SAY_EVERY == 0:
            reports.say(min(done, count), count, f"Reading predictions: {done:,} of {count:,}.")
    return done


def _by_ids(
    label_studio: LabelStudio, project_id: int, wanted: NDArray[np.int64], reports: Reports
) -> Iterator[Prediction]:
    total = len(wanted)
    pieces = [wanted[start : start + BY_ID].tolist() for start in range(0, total, BY_ID)]
    done = 0
    reports.say(0, total, "Reading predictions.")
    found = in_flight(
        lambda ids: (len(ids), list(label_studio.predictions_of(project_id, ids))),
        pieces,
        PAGES_IN_FLIGHT,
        reports.tick,
    )
    for count, predictions in found:
        yield from predictions
        done += count
        reports.say(done, total, f"Reading predictions: {done:,} of {total:,} tasks.")


def _by_pages(
    label_studio: LabelStudio, project_id: int, wanted: NDArray[np.int64] | None, total: int, reports: Reports
) -> Iterator[Prediction]:
    """All tasks by pages. A task that is deleted meanwhile shifts those behind it: what fell between two is fetched."""
    numbers = range(1, -(-total // PREDICTED_PAGE_SIZE) + 1)
    seen: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    done = 0
    reports.say(0, total, "Reading predictions.")
    pages = in_flight(lambda number: label_studio.task_page(project_id, number), numbers, PAGES_IN_FLIGHT, reports.tick)
    for states, predictions, _ in pages:
        yield from predictions
        seen.append(np.fromiter((state.task_id for state in states), np.int64, len(states)))
        done += len(states)
        reports.say(min(done, total), total, f"Reading predictions: {min(done, total):,} of {total:,} tasks.")
    unseen = np.empty(0, dtype=np.int64) if wanted is None else np.setdiff1d(wanted, np.concatenate(seen))
    if len(unseen):
        yield from _by_ids(label_studio, project_id, unseen, reports)
