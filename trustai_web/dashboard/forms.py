"""What people type in."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.utils.html import format_html

from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from al_core.registry import Named
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES
from al_core.types import ALL_CONTROLS
from trustai_web.accounts.models import User
from trustai_web.campaigns.controls import Control, label_control
from trustai_web.campaigns.models import Campaign


class FirstLeadForm(BaseUserCreationForm):
    """Name and password of the first lead."""

    class Meta:
        model = User
        fields = ("username",)


class PersonForm(BaseUserCreationForm):
    """Name, role and password of one more person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The form stands below a list: a page that jumps to its first field would hide the list.
        self.fields["username"].widget.attrs.pop("autofocus", None)

    class Meta:
        model = User
        fields = ("username", "role")


class ConnectionForm(forms.Form):
    """A Label Studio server."""

    name = forms.CharField(max_length=100, help_text="What your team calls this server.")
    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="As you open it in the browser, such as https://labels.example.com.",
    )
    token = forms.CharField(
        max_length=2000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="A personal access token or a legacy token: in Label Studio, Account & Settings. "
        "It is kept encrypted and never shown again.",
    )

    def __init__(self, *args: Any, keep_token: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if keep_token:
            self.fields["token"].required = False
            self.fields["token"].help_text = "Leave it empty to keep the one that is saved for this address."


NEEDS = {
    "model": "By one model",
    "committee": "By several models: other backends of the project, or what older versions have stored",
    "nothing": "Without a model",
}
"""What a strategy needs, as the heading of its group."""

NOT_MEASURED = "How good a model is at regions is not measured yet, so a test set would be labelled for nothing."


def strategy_options() -> list[tuple[str, list[tuple[str, str]]]]:
    groups = [
        (words, [(name, _option(known)) for name, known in STRATEGIES.items() if known.needs == need])
        for need, words in NEEDS.items()
    ]
    return [(words, options) for words, options in groups if options]


def diversity_options() -> list[tuple[str, str]]:
    return [(name, _option(known)) for name, known in DIVERSITIES.items()]


def _option(known: Named) -> str:
    return format_html("<span><b>{}</b> <span class='muted'>{}</span></span>", known.label, known.help)


class CampaignForm(forms.ModelForm):
    """How a campaign asks. What only some labelling configurations need is shown for those alone."""

    MORE = (
        "source",
        "write_back",
        "rank_by",
        "control_share",
        "class_balance",
        "candidate_factor",
        "seed",
        "baseline",
    )
    """Settings that stand in a folded part: their defaults are good to start with."""

    control = forms.ChoiceField(
        label="What counts",
        help_text="The labelling page asks for several things. The model is asked about one of them, or about all.",
    )
    strategy = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=strategy_options,
        initial=DEFAULT_STRATEGY,
        help_text="What makes a task worth asking about.",
    )
    diversity = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=diversity_options,
        initial=DEFAULT_DIVERSITY,
        help_text="How the batch is kept from asking the same thing twice.",
    )
    baseline = forms.ModelChoiceField(
        queryset=Campaign.objects.filter(strategy="random"),
        required=False,
        label="Compare with",
        help_text="A campaign that asks at random; its learning curve is drawn beside this one's.",
    )
    annotators = forms.ModelMultipleChoiceField(
        queryset=User.objects.filter(role=User.Role.ANNOTATOR, is_active=True),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Who sees the batches of this campaign.",
    )

    def __init__(self, *args: Any, controls: Sequence[Control], has_backend: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._controls = controls
        if not has_backend:
            # There are stored predictions or none, whatever one would choose.
            del self.fields["source"], self.fields["write_back"]
        baseline = self.fields["baseline"]
        baseline.queryset = baseline.queryset.exclude(pk=self.instance.pk)  # type: ignore[attr-defined]
        annotators = self.fields["annotators"]
        if not annotators.queryset.exists():  # type: ignore[attr-defined]
            annotators.help_text = "Nobody is an annotator yet; add one under People."
        self._fit_to_controls()

    def _fit_to_controls(self) -> None:
        forms_of_answers = {control.form for control in self._controls}
        if len(self._controls) > 1:
            each = [(control.name, str(control)) for control in self._controls]
            self.fields["control"].choices = [*each, (ALL_CONTROLS, "All of them together")]  # type: ignore[attr-defined]
        else:
            del self.fields["control"]
        if not forms_of_answers - {"single"}:
            del self.fields["aggregation"]
        if "regions" not in forms_of_answers:
            del self.fields["no_region"]
        else:
            self.fields["test_size"].help_text += f" {NOT_MEASURED}"
        if forms_of_answers == {"regions"} and self.instance.pk is None:
            self.initial["test_size"] = 0

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        # Of a project that has one control by now, whatever was chosen while it had several.
        found.setdefault("control", "")
        counts = label_control(self._controls, found["control"])
        if counts and not counts.can_be_measured and found.get("test_size"):
            self.add_error("test_size", f"{NOT_MEASURED} Set it to 0.")
        if found.get("write_back") and found.get("source") != Campaign.Source.STORED_THEN_DIRECT:
            wanted = Campaign.Source.STORED_THEN_DIRECT.label
            self.add_error("write_back", f"Only with “{wanted}”: else nothing new comes, or nothing stored is used.")
        return found

    def first_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in self.MORE]

    def more_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name in self.MORE]

    def has_errors_in_more(self) -> bool:
        return any(field.errors for field in self.more_fields())

    class Meta:
        model = Campaign
        fields = (
            "name",
            "control",
            "strategy",
            "aggregation",
            "no_region",
            "diversity",
            "batch_size",
            "start_size",
            "test_size",
            "annotators",
            "source",
            "write_back",
            "rank_by",
            "control_share",
            "class_balance",
            "candidate_factor",
            "seed",
            "baseline",
        )
        labels = {
            "aggregation": "Score of a task",
            "no_region": "A task without regions",
            "rank_by": "Within bounds, rank by",
            "control_share": "Share drawn at random, in percent",
            "class_balance": "Balance the classes",
            "seed": "Random seed",
            "source": "Predictions",
            "write_back": "Store new predictions in Label Studio",
        }
        widgets = {"no_region": forms.RadioSelect, "rank_by": forms.RadioSelect, "source": forms.RadioSelect}
