"""From a configuration to the clients and the manager that it describes."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from al_core.active_learning import ActiveLearningManager
from al_core.config import ProjectConfig, secret_of
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from al_core.starting import without_a_model
from al_core.storage import Store
from al_core.types import Aggregation
from trustai.history import History

PATIENCE = 60.0
"""Seconds that a server is asked again before the runner gives up; what is done by then is kept."""


@contextmanager
def label_studio_of(config: ProjectConfig, *, patience: float = PATIENCE) -> Iterator[LabelStudio]:
    part = config.label_studio
    with LabelStudio(part.url, secret_of(part.token), patience=patience) as client:
        yield client


@contextmanager
def backend_of(config: ProjectConfig, client: LabelStudio) -> Iterator[MLBackend | None]:
    """The backend that the configuration names, else the project's first; None where there is none."""
    part = config.backend
    url = part.url if part else next((found.url for found in client.backends(config.label_studio.project)), "")
    if not url:
        yield None
        return
    auth = (part.user, secret_of(part.password)) if part and part.user else None
    with closing(MLBackend(url, auth)) as backend:
        yield backend


def held_out(config: ProjectConfig, history: History, client: LabelStudio) -> list[int]:
    """The test set: never asked again, never trained on."""
    part = config.test_set
    if part.source == "ids":
        return sorted({*part.ids, *history.test_ids})
    if part.source == "ground_truth":
        return sorted({*client.ground_truth_ids(config.label_studio.project), *history.test_ids})
    return sorted(history.test_ids)


def manager_of(
    config: ProjectConfig,
    client: LabelStudio,
    backend: MLBackend | None,
    history: History,
    store: Store,
    *,
    starts: bool = False,
) -> ActiveLearningManager:
    """The manager of the next round, or of the open one; ``starts`` for round 0, which has no model to ask."""
    asking = config.asking
    if starts:
        asking = asking.model_copy(update=without_a_model(asking.diversity))
    open_round = history.open_round
    own = set(open_round.ids()) if open_round else set()
    return ActiveLearningManager(
        client,
        config.label_studio.project,
        backend,
        strategy_name=asking.strategy,
        diversity=asking.diversity,
        candidate_factor=asking.candidate_factor or None,
        seed=asking.seed,
        held_out=held_out(config, history, client),
        asked=sorted(set(history.asked_ids) - own),
        control=asking.control,
        aggregation=Aggregation(asking.aggregation, asking.no_region),
        rank_by=asking.rank_by,
        control_share=asking.control_share / 100,
        class_balance=asking.class_balance,
        store=store,
        source=asking.source,
        write_back=asking.write_back,
    )
