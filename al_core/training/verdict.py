"""Whether a new model came of a training: by its version, and by what it predicts."""

from dataclasses import dataclass

from al_core.training.before import Before
from al_core.training.fingerprints import Comparison
from al_core.training.watching import Ending
from al_core.types import Verdict


@dataclass(frozen=True)
class Evidence:
    """What is known once a training has ended."""

    before: Before
    ending: Ending
    comparison: Comparison | None
    """Predictions before and after; None where they could not be compared."""
    was_accepted: bool
    """Whether the backend answered that it would train, or was under way."""
    timeout: float
    """Seconds that were waited at most."""

    @property
    def version(self) -> str:
        """What the model is called now."""
        return self.ending.model_version or self.before.model_version

    @property
    def has_new_version(self) -> bool:
        return self.version != self.before.model_version

    @property
    def count(self) -> int:
        return self.comparison.count if self.comparison else 0

    @property
    def changed(self) -> int:
        """Predictions that are others than before."""
        return len(self.comparison.changed) if self.comparison else 0


def judge(evidence: Evidence) -> tuple[Verdict, str]:
    """The verdict, and the sentence that says how it was found."""
    if evidence.has_new_version:
        return _of_a_new_version(evidence)
    if evidence.changed:
        kept = (
            f"the backend kept its version {evidence.version}" if evidence.version else "the backend names no version"
        )
        return "new_model", f"{_changed(evidence)}, although {kept}."
    return _of_the_same_version(evidence)


def _of_a_new_version(evidence: Evidence) -> tuple[Verdict, str]:
    version, comparison = evidence.version, evidence.comparison
    if comparison is None:
        return "new_model", f"The backend has {version} now; whether it predicts otherwise could not be tried."
    if evidence.changed:
        failure = f" It also said: {evidence.ending.words}" if evidence.ending.why == "failed" else ""
        return "new_model", f"The backend has {version} now, and {_changed(evidence)}.{failure}"
    if comparison.has_numbers:
        return "same_model", (
            f"The backend calls its model {version} now, but {_all_the_same(evidence)}: "
            "a new name for the model that it had."
        )
    return "new_model", (
        f"The backend has {version} now. That is in doubt: {_all_the_same(evidence)}, "
        "and without numbers that tell tasks apart they may be so by two models."
    )


def _of_the_same_version(evidence: Evidence) -> tuple[Verdict, str]:
    ending, has = evidence.ending, _what_it_has(evidence)
    if ending.why == "failed":
        return "failed", f"The training failed. The backend says: {ending.words}"
    if ending.why == "time":
        if ending.was_running:
            return "failed", f"The backend was still training after {told_seconds(evidence.timeout)}; {has}."
        if ending.was_gone and evidence.comparison is None:
            return "failed", (
                f"After {told_seconds(evidence.timeout)} the backend does not answer any more; it may have ended while "
                "it trained, and its own log may say why."
            )
        verdict: Verdict = "same_model" if evidence.was_accepted and _is_known(evidence) else "failed"
        return verdict, f"No new model after {told_seconds(evidence.timeout)}: {has}."
    if not _is_known(evidence):
        return "failed", f"The training has ended, and no new model is to be seen: {has}."
    return "same_model", f"The training has ended, and the backend has the model that it had: {has}."


def _is_known(evidence: Evidence) -> bool:
    """Whether anything speaks for the model being the same."""
    return bool(evidence.version) or evidence.comparison is not None


def _what_it_has(evidence: Evidence) -> str:
    version = f"the version is still {evidence.version}" if evidence.version else "the backend names no version"
    if evidence.comparison is None:
        return f"{version}, and whether it predicts otherwise could not be tried"
    if not evidence.comparison.unsteady:
        return f"{version}, and {_all_the_same(evidence)}"
    return (
        f"{version}, and {evidence.comparison.unsteady} of {evidence.count} predictions are others each time, "
        "so they tell nothing"
    )


def _changed(evidence: Evidence) -> str:
    of = "prediction is another" if evidence.changed == 1 else "predictions are others"
    return f"{evidence.changed} of {evidence.count} {of} than before"


def _all_the_same(evidence: Evidence) -> str:
    if evidence.count == 1:
        return "the one prediction that was compared is what it was"
    return f"all {evidence.count} predictions that were compared are what they were"


def told_seconds(seconds: float) -> str:
    """As people say it."""
    minutes = round(seconds / 60)
    return f"{int(seconds)} s" if seconds < 120 else f"{minutes} minutes"
