"""The questions of a labelling page, as a campaign remembers them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from al_core.evaluation import measured_by
from al_core.types import ALL_CONTROLS, AnswerForm, LabelSpace


@dataclass(frozen=True)
class Control:
    """One control of a project's labelling configuration."""

    name: str
    tag: str
    form: AnswerForm
    classes: int
    """0 where answers are free."""

    def __str__(self) -> str:
        return f"{self.name} ({self.tag}, {self.answers})"

    @property
    def answers(self) -> str:
        """What an answer is, in words."""
        if self.classes == 0:
            return "free answers"
        noun = "class" if self.classes == 1 else "classes"
        return {
            "single": f"one of {self.classes}",
            "multi": f"any of {self.classes}",
            "regions": f"regions of {self.classes} {noun}",
        }[self.form]

    @property
    def can_be_measured(self) -> bool:
        """Whether answers can be compared with a test set: for some regions there is no measure yet."""
        return measured_by(self.tag, self.form) is not None


def label_control(controls: Iterable[Control], setting: str) -> Control | None:
    """The control whose answers count as labels, as the manager decides it; None where there is none."""
    fitting = [control for control in controls if setting in ("", ALL_CONTROLS, control.name)]
    return next((control for control in fitting if control.classes), fitting[0] if fitting else None)


def control_of(space: LabelSpace) -> Control:
    return Control(name=space.control, tag=space.tag, form=space.form, classes=len(space.labels))


def remembered(spaces: Iterable[LabelSpace]) -> list[dict[str, Any]]:
    """What a campaign keeps of its project's controls, as plain JSON."""
    return [asdict(control_of(space)) for space in spaces]
