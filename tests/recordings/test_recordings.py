"""The recordings hold what was sent, and everything that was."""

import pytest

from tests.recordings.controls import CONTROLS
from tests.recordings.round_trip import FOLDER, Control, Recording


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_a_recording_is_of_what_is_said_today(control: Control) -> None:
    recording = Recording.load(control)
    assert recording.label_config == control.label_config
    assert recording.said == control.said
    assert len(recording.predictions) == len(control.said)
    assert all(control.data.items() <= task["data"].items() for task in recording.tasks)


def test_every_recording_is_of_a_control() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {control.name for control in CONTROLS}
