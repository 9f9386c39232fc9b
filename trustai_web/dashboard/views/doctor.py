"""The probability doctor: what the numbers of a campaign's model are worth."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from al_core.doctor import ControlReport, Diagnosis, Verdict
from al_core.errors import ActiveLearningError
from al_core.strategies import STRATEGIES
from trustai_web.campaigns import selectors
from trustai_web.campaigns.controls import Control
from trustai_web.campaigns.models import Job
from trustai_web.campaigns.services.campaigns import campaign_examine
from trustai_web.dashboard.access import fetch, lead


@require_http_methods(["GET", "POST"])
def campaign_doctor(request: HttpRequest, pk: int) -> HttpResponse:
    """The last report, and for htmx the examination that is under way."""
    user = lead(request)
    campaign = fetch(selectors.campaigns_for(user), pk)
    if request.method == "POST":
        try:
            campaign_examine(campaign=campaign, user=user)
        except ActiveLearningError as error:
            messages.error(request, str(error))
        return redirect("campaign_doctor", pk)
    last = selectors.examinations(campaign).first()
    job = last if last and last.is_active else None
    if request.htmx:  # type: ignore[attr-defined]
        if job is None:
            return HttpResponseClientRefresh()
        return render(request, "doctor/detail.html#live", {"campaign": campaign, "job": job})
    diagnosis = Diagnosis.from_dict(campaign.diagnosis) if campaign.diagnosis else None
    context = {
        "campaign": campaign,
        "job": job,
        "failure": last if last and last.status in (Job.Status.FAILED, Job.Status.ERRORED) else None,
        "diagnosis": diagnosis,
        "findings": [Finding(report) for report in diagnosis.controls] if diagnosis else [],
    }
    return render(request, "doctor/detail.html", context)


@dataclass(frozen=True)
class Finding:
    """What is shown of one control."""

    report: ControlReport

    @property
    def answers(self) -> str:
        return Control(self.report.control, self.report.tag, self.report.form, len(self.report.labels)).answers  # type: ignore[arg-type]

    @property
    def kind(self) -> str:
        """What the backend gives, by what can be done with it: ``exact``, ``bounded`` or ``impossible``."""
        kinds = {verdict.kind for name, verdict in self.report.strategies.items() if _asks_one_model(name)}
        if kinds == {"exact"}:
            return "exact"
        return "bounded" if kinds & {"exact", "bounded"} else "impossible"

    @property
    def verdicts(self) -> list[tuple[Verdict, list[str]]]:
        """Each verdict with the strategies that have it, in the order of the forms.

        A strategy that is not installed any more comes last, by its name.
        """
        labels = {name: strategy.label for name, strategy in STRATEGIES.items()}
        names = [name for name in labels if name in self.report.strategies]
        names += [name for name in self.report.strategies if name not in labels]
        found: dict[Verdict, list[str]] = {}
        for name in names:
            found.setdefault(self.report.strategies[name], []).append(labels.get(name, name))
        return list(found.items())


def _asks_one_model(name: str) -> bool:
    return name in STRATEGIES and STRATEGIES[name].needs == "model"
