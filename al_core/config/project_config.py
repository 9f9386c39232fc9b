"""What a project configuration holds: each key with its default, its range and what it means."""

from typing import Annotated, Any, Literal

import tomlkit
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES
from al_core.types import Aggregate, RankBy, Route, Source

VERSION: Literal[1] = 1


def _strategy(name: Any) -> Any:
    STRATEGIES.named(str(name))
    return name


def _diversity(name: Any) -> Any:
    DIVERSITIES.named(str(name))
    return name


def _reference(value: Any) -> Any:
    text = str(value)
    if text and not text.startswith(("env:", "file:")):
        raise ValueError("a secret stands here by reference: env:NAME or file:PATH")
    return value


SecretReference = Annotated[str, BeforeValidator(_reference)]


class _Part(BaseModel):
    """A table of the file: nothing in it that nobody knows, and nothing changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LabelStudioPart(_Part):
    """The server, and the project on it."""

    url: str = Field(description="Address of Label Studio.")
    token: SecretReference = Field(
        default="env:LABEL_STUDIO_API_KEY", description="Reference to a token of either kind."
    )
    project: int = Field(description="Id of the project.", ge=1)


class BackendPart(_Part):
    """The ML backend. Without this table it is the project's first; with an empty address there is none."""

    url: str = Field(default="", description="Its address. Empty: there is none, stored predictions are used.")
    user: str = Field(default="", description="User of Basic authentication.")
    password: SecretReference = Field(default="", description="Reference to the password that goes with it.")
    train_route: Route | Literal[""] = Field(default="", description="How it is trained. Empty: whichever way it has.")
    train_minutes: float = Field(default=10, description="How long a training may take.", gt=0)


class AskingPart(_Part):
    """How tasks are chosen."""

    strategy: Annotated[str, BeforeValidator(_strategy)] = Field(
        default=DEFAULT_STRATEGY, description="What makes a task worth asking about: docs/strategies.md lists them."
    )
    diversity: Annotated[str, BeforeValidator(_diversity)] = Field(
        default=DEFAULT_DIVERSITY, description="How a batch is kept from asking the same thing twice."
    )
    batch_size: int = Field(default=25, description="Tasks of a round.", ge=1, le=500)
    candidate_factor: int = Field(
        default=0, description="Candidates, in multiples of the batch. 0: as many as the scores suggest.", ge=0, le=1000
    )
    seed: int = Field(default=0, description="The same seed on the same data picks the same batch.", ge=0)
    control: str = Field(default="", description="Which control counts. Empty: the only one; * for all of them.")
    aggregation: Aggregate = Field(
        default="mean", description="How the scores of a task's labels or regions become one."
    )
    no_region: Literal["unknown", "certain", "uncertain"] = Field(
        default="unknown", description="What a task counts as where the model marked nothing."
    )
    rank_by: RankBy = Field(default="low", description="Which bound ranks a task whose score is not exact.")
    control_share: int = Field(default=10, description="Percent of a batch that is drawn at random.", ge=0, le=50)
    class_balance: bool = Field(default=False, description="Each predicted class gets its share of the batch.")
    source: Source = Field(default="stored_then_direct", description="Which predictions may be used.")
    write_back: bool = Field(default=False, description="Store in Label Studio what the backend is asked for.")


class StartPart(_Part):
    """The random tasks of round 0, so that a first model can be trained."""

    size: int = Field(default=25, description="How many. 0 where there is a model already.", ge=0, le=500)


class TestSetPart(_Part):
    """What the model is measured on, and never learns from."""

    source: Literal["random", "ground_truth", "ids"] = Field(
        default="random", description="Drawn in round 0, the project's ground truth, or the ids below."
    )
    size: int = Field(default=200, description="How many are drawn, where they are drawn.", ge=0, le=500)
    ids: Annotated[tuple[int, ...], Field(strict=False)] = Field(
        default=(), description='Ids of its tasks, with source = "ids".'
    )


class StopPart(_Part):
    """When rounds that run by themselves end; 0 is no limit. The first that is reached counts."""

    rounds: int = Field(default=0, description="Rounds after round 0.", ge=0)
    labels: int = Field(default=0, description="Labels to train on.", ge=0)
    hours: float = Field(default=0, description="Hours that people spent on these labels.", ge=0)
    advised: bool = Field(default=False, description="End when the stop board's curve says that more brings little.")


class ProjectConfig(_Part):
    """One project under active learning."""

    version: Literal[1] = Field(default=VERSION, description="Of this format.")
    name: str = Field(default="", description="What your team calls it. Empty: the project's title.", max_length=100)
    label_studio: LabelStudioPart
    backend: BackendPart | None = None
    asking: AskingPart = AskingPart()
    start: StartPart = StartPart()
    test_set: TestSetPart = TestSetPart()
    stop: StopPart = StopPart()

    def to_toml(self) -> str:
        """The file that gives this configuration again, with what each key means above it."""
        document = tomlkit.document()
        for key, value in self:
            if isinstance(value, _Part):
                document.add(key, _table(value))
            elif value is not None:
                document.add(key, value)
        return tomlkit.dumps(document)


def _table(part: _Part) -> tomlkit.items.Table:
    table = tomlkit.table()
    for key, value in part:
        table.add(tomlkit.comment(type(part).model_fields[key].description or ""))
        table.add(key, list(value) if isinstance(value, tuple) else value)
    return table
