"""What templates need to say: states, numbers, durations."""

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from trustai_web.campaigns.models import Job, Round, TrainingRun
from trustai_web.dashboard import charts

register = template.Library()

ROUND_STATES = {
    Round.Status.PENDING: "waiting",
    Round.Status.SCORING: "running",
    Round.Status.READY: "attention",
    Round.Status.OPEN: "attention",
    Round.Status.TRAINING: "running",
    Round.Status.DONE: "done",
    Round.Status.FAILED: "failed",
    Round.Status.CANCELLED: "waiting",
}
JOB_STATES = {
    Job.Status.QUEUED: "waiting",
    Job.Status.RUNNING: "running",
    Job.Status.SUCCEEDED: "done",
    Job.Status.FAILED: "failed",
    Job.Status.ERRORED: "failed",
    Job.Status.CANCELLED: "waiting",
}
VERDICTS = {
    TrainingRun.Verdict.RUNNING: "running",
    TrainingRun.Verdict.NEW_MODEL: "done",
    TrainingRun.Verdict.SAME_MODEL: "attention",
    TrainingRun.Verdict.FAILED: "failed",
    TrainingRun.Verdict.CANCELLED: "waiting",
}
STEPS = [
    (Round.Status.SCORING, "Score"),
    (Round.Status.READY, "Publish"),
    (Round.Status.OPEN, "Label"),
    (Round.Status.TRAINING, "Train"),
]


@register.inclusion_tag("partials/_state.html")
def round_state(round_: Round) -> dict[str, str]:
    return {"state": ROUND_STATES[Round.Status(round_.status)], "word": round_.get_status_display()}


@register.inclusion_tag("partials/_state.html")
def campaign_state(newest: Round | None) -> dict[str, str]:
    """The state of a campaign is that of its newest round, and between two rounds what it waits for."""
    if newest is None:
        return {"state": "attention", "word": "Not started"}
    if newest.status == Round.Status.DONE:
        return {"state": "attention", "word": f"Ready for round {newest.number + 1}"}
    return round_state(newest)


@register.inclusion_tag("partials/_state.html")
def job_state(job: Job) -> dict[str, str]:
    return {"state": JOB_STATES[Job.Status(job.status)], "word": job.get_status_display()}


@register.inclusion_tag("partials/_state.html")
def training_verdict(run: TrainingRun) -> dict[str, str]:
    return {"state": VERDICTS[TrainingRun.Verdict(run.verdict)], "word": run.get_verdict_display()}


@register.inclusion_tag("partials/_steps.html")
def round_steps(round_: Round) -> dict[str, Any]:
    """The way of a round, with where it is, or where it failed."""
    failed = round_.status == Round.Status.FAILED
    status = round_.failed_from if failed else round_.status
    if failed and status == Round.Status.OPEN:
        status = Round.Status.TRAINING
    places = {Round.Status.DONE: len(STEPS), **{step: i for i, (step, _) in enumerate(STEPS)}}
    at = places.get(Round.Status(status), 0)
    here = "failed" if failed else "current"
    states = ["done" if i < at else here if i == at else "todo" for i in range(len(STEPS))]
    return {"steps": [{"word": word, "state": s} for (_, word), s in zip(STEPS, states, strict=True)]}


@register.filter
def number(value: float | None) -> str:
    """1 547, with a thin space."""
    return "" if value is None else charts.number(value)


@register.filter
def percent(value: float) -> str:
    """93.4 %."""
    return charts.percent(value)


@register.filter
def points(value: float) -> str:
    """+0.3, in percentage points."""
    return charts.points(value)


@register.filter
def metric(name: str) -> str:
    """The name of a metric as it begins a sentence or heads a column."""
    return charts.capital(charts.metric_name(name))


@register.filter
def p_value(value: float) -> str:
    """= 0.03; of less than 0.001 only that."""
    return "< 0.001" if value < 0.001 else f"= {value:.3f}" if value < 0.01 else f"= {value:.2f}"


@register.filter
def items(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(value.items())


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """ "12 minutes ago", with the exact time on hover."""
    if moment is None:
        return "never"
    seconds = (timezone.now() - moment).total_seconds()
    words = "just now" if seconds < 60 else f"{timesince(moment, depth=1)} ago"
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), words)


@register.filter
def seconds(value: float | None) -> str:
    """3 min 20 s, or 2 h 5 min."""
    if value is None:
        return "unknown"
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    if value < 3600:
        return f"{value // 60:.0f} min {value % 60:.0f} s"
    return f"{value // 3600:.0f} h {value % 3600 // 60:.0f} min"


@register.filter
def rate(job: Job) -> str:
    """ "850 a second", or by the minute where it is slow; two digits are as much as can be believed."""
    if job.status != Job.Status.RUNNING or not job.rate:
        return ""
    if job.rate >= 1:
        return f"{_two_digits(job.rate)} a second"
    a_minute = job.rate * 60
    return f"{_two_digits(a_minute)} a minute" if a_minute >= 1 else ""


def _two_digits(value: float) -> str:
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.2g}"


@register.filter
def time_left(job: Job) -> str:
    """ "about 2 min left", once the pace is known; in steps, as it is a guess."""
    if not (rate(job) and job.rate and job.total) or job.done >= job.total:
        return ""
    left = (job.total - job.done) / job.rate
    if left < 10:
        return "a few seconds left"
    if left < 55:
        return f"about {5 * round(left / 5)} s left"
    minutes = max(1, round(left / 60))
    if minutes < 60:
        return f"about {minutes} min left"
    return f"about {minutes // 60} h {minutes % 60} min left"


@register.filter
def duration(row: Any) -> str:
    """How long a job or a training took."""
    start = getattr(row, "started_at", None) or row.created_at
    return seconds((row.finished_at - start).total_seconds()) if row.finished_at else ""
