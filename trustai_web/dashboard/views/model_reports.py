"""The model of a round: how good it is, what it confuses, whether its sureness means anything, and what changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from al_core.evaluation import ClassRow, Difference, TestAnswer, compare
from al_core.evaluation import Evaluation as Measured
from al_core.evaluation.calibration import reliability, uncertainty_and_error
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Round, TrainingRun
from trustai_web.dashboard import charts
from trustai_web.dashboard.access import fetch, reader
from trustai_web.dashboard.label_studio_links import LabelStudioLinks

FLIPPED_SHOWN = 100


@dataclass(frozen=True)
class Sureness:
    """Whether uncertainty finds errors, on one set of answers."""

    of: str
    """On which answers, in words."""
    verdict: str
    """``useful``, ``chance``, ``misleading``, or ``unknown``."""
    wrong: int
    """Answers that are wrong."""
    count: int
    chart: charts.Chart | None

    @property
    def is_telling(self) -> bool:
        """Whether it says something, or has enough errors to show that there is nothing to say."""
        return self.verdict in ("useful", "misleading") or self.wrong >= charts.FEW_WRONG


@dataclass(frozen=True)
class Flip:
    """A test task that one model answers rightly and the other does not."""

    link: str
    before: TestAnswer
    after: TestAnswer


@dataclass(frozen=True)
class ClassBeside:
    """A class as both models know it."""

    before: ClassRow
    after: ClassRow


@dataclass(frozen=True)
class Change:
    """A model beside the one before."""

    round_number: int
    model_version: str
    difference: Difference
    chart: charts.Chart | None
    """By class, where an answer is one class."""
    classes: list[ClassBeside]
    """Where it is several classes or regions."""
    flips: list[Flip]
    offers_earlier: bool
    """Whether the model before could go on scoring: it is another one, and this is still the newest."""


@require_safe
def model_report(request: HttpRequest, pk: int) -> HttpResponse:
    round_ = fetch(selectors.rounds_for(reader(request)), pk)
    row = getattr(round_, "evaluation", None)
    context: dict[str, object] = {"round": round_, "campaign": round_.campaign, "evaluation": row}
    if row is not None:
        measured = selectors.model_evaluation(row)
        on_test_set, on_later = _on_test_set(measured.answers), _on_later(round_, row.model_version)
        context |= {
            "measured": measured,
            "reported": _reported(round_, row.model_version),
            "classes": charts.class_dots(measured.classes),
            "confusion": charts.confusion_matrix(measured.confusion) if measured.confusion else None,
            "reliability": _reliability(measured.answers),
            "on_test_set": on_test_set,
            "on_later": on_later,
            "sureness": _most_telling(on_later, on_test_set),
            "change": _change(round_, measured),
        }
    return render(request, "model_reports/detail.html", context)


def _reported(round_: Round, model_version: str) -> dict[str, float]:
    """What the backend said of this model itself."""
    made = round_.training_runs.filter(verdict=TrainingRun.Verdict.NEW_MODEL, version_after=model_version)
    run = made.order_by("pk").last()
    return run.reported if run else {}


def _reliability(answers: Sequence[TestAnswer]) -> charts.Chart | None:
    known = [(answer.confidence, answer.is_right) for answer in answers if answer.confidence is not None]
    found = reliability([confidence for confidence, _ in known], [right for _, right in known]) if known else None
    return charts.reliability_diagram(found) if found else None


def _on_test_set(answers: Sequence[TestAnswer]) -> Sureness:
    return _sureness(
        [
            (answer.uncertainty, not answer.is_right, answer.task_id)
            for answer in answers
            if answer.uncertainty is not None
        ],
        "test answers",
    )


def _on_later(round_: Round, model_version: str) -> Sureness:
    later = selectors.later_answers(round_, model_version)
    return _sureness([(answer.uncertainty, answer.is_wrong, answer.task_id) for answer in later], "later answers")


def _sureness(answers: Sequence[tuple[float, bool, int]], of: str) -> Sureness:
    if not answers:
        return Sureness(of, "unknown", 0, 0, None)
    uncertainties, wrongs, task_ids = (list(column) for column in zip(*answers, strict=True))
    ranking = uncertainty_and_error(uncertainties, wrongs)
    chart = charts.uncertainty_and_error(uncertainties, wrongs, task_ids, ranking, of=of)
    return Sureness(of, ranking.verdict if ranking else "unknown", sum(wrongs), len(wrongs), chart)


def _most_telling(*found: Sureness) -> Sureness:
    """The first that is telling, else the first that has a verdict."""
    known = [one for one in found if one.verdict != "unknown"] or list(found)
    return next((one for one in known if one.is_telling), known[0])


def _change(round_: Round, measured: Measured) -> Change | None:
    row = selectors.evaluation_before(round_)
    if row is None:
        return None
    earlier = selectors.model_evaluation(row)
    difference = compare(earlier.answers, measured.answers)
    if not difference.tasks:
        return None
    links = LabelStudioLinks(round_)
    before = {answer.task_id: answer for answer in earlier.answers}
    after = {answer.task_id: answer for answer in measured.answers}
    # What was lost is what a lead wants to see first.
    shown = [*difference.lost, *difference.gained][:FLIPPED_SHOWN]
    return Change(
        round_number=row.round.number,
        model_version=row.model_version,
        difference=difference,
        chart=charts.class_changes(difference.classes) if measured.confusion else None,
        classes=[] if measured.confusion else _beside(earlier, measured),
        flips=[Flip(links.other_task(task_id), before[task_id], after[task_id]) for task_id in shown],
        offers_earlier=row.model_version not in (measured.model_version, round_.campaign.score_version)
        and not selectors.has_later_model(round_),
    )


def _beside(earlier: Measured, measured: Measured) -> list[ClassBeside]:
    before = {row.label: row for row in earlier.classes}
    return [ClassBeside(before[row.label], row) for row in measured.classes if row.label in before]
