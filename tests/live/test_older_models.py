"""One real backend that was trained twice: its older version is a member of a committee, or scores alone."""

from collections.abc import Callable

import numpy as np
import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.storage import MemoryStore
from examples.digits.data import true_label
from tests.real_stack import LabelStudioServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

Make = Callable[..., ActiveLearningManager]


def not_at_all(*_: object) -> None:
    raise AssertionError("a backend is asked to predict")


def test_an_older_version_is_heard_and_nobody_asked(manager: Make, label_studio: LabelStudioServer) -> None:
    start = manager(digits=120, strategy_name="random", seed=3)
    settings = {"project_id": start.project_id, "store": MemoryStore()}
    versions = []
    for size in (20, 10):
        learner = manager(**settings)
        pool = learner.read_pool()
        scores = learner.score(pool) if versions else start.score(pool)
        for item in start.recommend(scores, size).items:
            data = start.label_studio.task_data(start.project_id, [item.task_id])[item.task_id]
            label_studio.api.annotate(item.task_id, true_label(data))
        training = learner.train(learner.before_training())
        assert training.verdict == "new_model", training.reason
        versions.append(training.version_after)

    committee = manager(strategy_name="consensus_entropy", **settings)
    scores = committee.score(committee.read_pool())
    assert [model.model_version for model in scores.models] == versions[::-1]
    assert np.isfinite(scores.values).all()

    older = manager(version=versions[0], spread=not_at_all, **settings)
    found = older.score(older.read_pool())
    assert found.model_version == versions[0]
    np.testing.assert_array_equal(found.probabilities.values, scores.models[1].values)
