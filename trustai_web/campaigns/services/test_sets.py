"""Writes about what the models of a campaign are measured on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from al_core.errors import InvalidInput
from al_core.label_studio import LabelStudio
from al_core.seeding import task_keys
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, Round, TrainingRun
from trustai_web.campaigns.services.statuses import WrongMoment
from trustai_web.connections.services import label_studio

Source = Campaign.TestSource

MOST_TASKS = 2000
"""Tasks of a test set that is not drawn: enough for ± 2 points, and what a lead can have labelled."""


@dataclass(frozen=True)
class TestSetChange:
    """What a new test set came to."""

    __test__ = False  # no test of pytest's

    source: str
    held_out: int
    """Tasks that models are measured on from now on, those drawn before among them."""
    learned: int = 0
    """Tasks that were left out, as the model may have learned them."""
    unlabelled: int = 0
    """Tasks that nobody has answered yet: they are in the next batch."""
    too_many: int = 0
    """Tasks that were left out, as there are more than a test set has."""

    @property
    def sentence(self) -> str:
        """All of it in words."""
        said = [f"The test set is saved: {_tasks(self.held_out)} held out."]
        if self.unlabelled:
            said.append(f"{_tasks(self.unlabelled)} without a label: the next round asks for them.")
        if self.learned:
            said.append(f"{_tasks(self.learned)} left out: what a model was trained on could only flatter it.")
        if self.too_many:
            said.append(f"{_tasks(self.too_many)} left out at random: a test set has at most {MOST_TASKS:,}.")
        return " ".join(said)


def test_set_change(  # no test of pytest's: tests import the module
    *,
    campaign: Campaign,
    source: str,
    size: int = 0,  # noqa: PT028
    ids: Iterable[int] = (),  # noqa: PT028
) -> TestSetChange:
    """Choose what the models of a campaign are measured on.

    A task whose label went into a training is left out, and that is said: the model may know its answer by heart, and
    would look better than it is. Whether a backend forgets when it trains anew, nobody here can know. Tasks that
    were drawn before stay in the test set, for nobody may learn them either.

    Parameters
    ----------
    source : str
        One of ``Campaign.TestSource``.
    size : int
        For a test set that is drawn: how many tasks in all; the next round draws those that are missing.
    ids : iterable of int
        For an upload: the tasks.

    Raises
    ------
    InvalidInput
        There are too many, they are not tasks of the project, or a model has learned all of them. Nothing is changed.
    WrongMoment
        A training is under way, which has been told what it must not learn.
    """
    last = _last_training(campaign)
    if source == Source.RANDOM:
        _write(campaign, source, last, test_size=size, test_ids=[])
        return TestSetChange(source, len(selectors.test_task_ids(campaign)))
    with closing(label_studio(campaign.connection)) as client:
        found = _ground_truth(client, campaign) if source == Source.GROUND_TRUTH else _uploaded(ids)
        wanted = found[:MOST_TASKS]
        answers = client.annotations(campaign.project_id, wanted)
    missing = [task_id for task_id in wanted if task_id not in answers]
    if missing:
        raise InvalidInput(
            f"{len(missing):,} of {len(wanted):,} ids are no tasks of the project, such as {_some(missing)}.",
            "Nothing was changed. Take them out of the list, or check whether it is of this project.",
        )
    learned = _learned(campaign, answers, last)
    kept = sorted(set(wanted) - learned)
    if not kept:
        which = "this task" if len(wanted) == 1 else f"all {len(wanted):,} tasks"
        raise InvalidInput(
            f"A model was trained on the labels of {which}, so they could only flatter it.",
            "Nothing was changed. Choose tasks that are not labelled yet, or have a test set drawn at random.",
        )
    _write(campaign, source, last, test_ids=kept)
    return TestSetChange(
        source=source,
        held_out=len(selectors.test_task_ids(campaign)),
        learned=len(learned),
        unlabelled=sum(not _answered(answers[task_id]) for task_id in kept),
        too_many=len(found) - len(wanted),
    )


def test_set_from_ground_truth(*, campaign: Campaign) -> TestSetChange:
    """Measure on the tasks that have a ground truth in Label Studio, as far as no model has learned them."""
    return test_set_change(campaign=campaign, source=Source.GROUND_TRUTH)


@transaction.atomic
def _write(campaign: Campaign, source: str, last_training: datetime | None, **columns: Any) -> None:
    # Locked, so that none of them starts a training between the look and the write; nor has one ended since.
    unfinished = Round.objects.select_for_update().filter(campaign=campaign).exclude(status__in=Round.FINISHED)
    is_training = any(round_.status == Round.Status.TRAINING for round_ in unfinished)
    if is_training or _last_training(campaign) != last_training:
        raise WrongMoment(
            "A training is under way or has just ended, which was told another test set.",
            "Nothing was changed. Save it again once the training has ended.",
        )
    Campaign.objects.filter(pk=campaign.pk).update(test_source=source, updated_at=timezone.now(), **columns)
    campaign.refresh_from_db()


def _uploaded(ids: Iterable[int]) -> list[int]:
    wanted = sorted(set(ids))
    if not wanted:
        raise InvalidInput("The list holds no id.", "Write the ids of tasks, by comma or one a line.")
    if len(wanted) > MOST_TASKS:
        raise InvalidInput(
            f"The list holds {len(wanted):,} ids; a test set has at most {MOST_TASKS:,} tasks.",
            "Draw as many of them at random: more would make the numbers hardly surer.",
        )
    return wanted


def _ground_truth(client: LabelStudio, campaign: Campaign) -> list[int]:
    found = client.ground_truth_ids(campaign.project_id)
    if not found:
        raise InvalidInput(
            "No task of the project has a ground truth.",
            "Mark answers as ground truth in Label Studio (the star above an annotation), then try again.",
        )
    # By their keys, as of very many only the first are taken.
    ids = np.array(found, dtype=np.int64)
    drawn: list[int] = ids[np.argsort(task_keys(ids, campaign.seed))].tolist()
    return drawn


def _last_training(campaign: Campaign) -> datetime | None:
    """When the last training ended, whatever came of it."""
    ended: datetime | None = TrainingRun.objects.filter(round__campaign=campaign).aggregate(last=Max("finished_at"))[
        "last"
    ]
    return ended


def _learned(
    campaign: Campaign, answers: Mapping[int, Sequence[Mapping[str, Any]]], last_training: datetime | None
) -> set[int]:
    """Tasks that were labelled when the last training ended, and not held out.

    Of what was held out the backend was told so. One that does not honour it is found by the check for leaks.
    """
    if last_training is None:
        return set()
    held_out = set(selectors.test_task_ids(campaign))
    return {
        task_id
        for task_id, said in answers.items()
        if task_id not in held_out and any(_since(annotation) <= last_training for annotation in _answered(said))
    }


def _answered(annotations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [annotation for annotation in annotations if not annotation.get("was_cancelled")]


def _since(annotation: Mapping[str, Any]) -> datetime:
    """When it was made; one that does not say so may have been there always."""
    moment = annotation.get("created_at")
    return datetime.fromisoformat(moment) if moment else datetime.min.replace(tzinfo=UTC)


def _tasks(count: int) -> str:
    return "1 task is" if count == 1 else f"{count:,} tasks are"


def _some(ids: Collection[int]) -> str:
    return ", ".join(map(str, islice(ids, 20)))
