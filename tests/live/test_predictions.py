"""Predictions of every control through a real Label Studio and back, so that the recordings cannot rot."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.real_stack import LabelStudioServer
from tests.recordings.backend import PreparedBackend
from tests.recordings.controls import CONTROLS
from tests.recordings.round_trip import Control, Recording, round_trip

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]


@pytest.fixture
def prepared_backend() -> Iterator[PreparedBackend]:
    with PreparedBackend() as backend:
        yield backend


def test_what_comes_back_is_what_was_sent_and_what_was_recorded(
    label_studio: LabelStudioServer, prepared_backend: PreparedBackend
) -> None:
    for control in CONTROLS:
        asked = control if control.name == "choices_single" else in_short(control)
        answered = round_trip(label_studio.api, prepared_backend, asked)
        recorded = Recording.load(control)
        assert answered.label_config == recorded.label_config, control.name
        assert answered.said == asked.said, control.name
        assert answered.said.items() <= recorded.said.items(), control.name
        assert answered.keys == recorded.keys, control.name


def in_short(control: Control) -> Control:
    """The first few things that are said; every one of them is a second that the test takes longer."""
    predicted = list(control.predicted.items())
    return replace(
        control, predicted=dict([*predicted[:4], predicted[-1]]), imported=dict(list(control.imported.items())[:1])
    )
