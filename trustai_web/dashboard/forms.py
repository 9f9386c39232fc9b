"""What people type in."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import BaseUserCreationForm
from django.http import QueryDict
from django.utils.html import format_html

from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from al_core.evaluation import suggested_size
from al_core.registry import Named
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES
from al_core.types import ALL_CONTROLS
from trustai_web.accounts.models import User
from trustai_web.campaigns.controls import Control, label_control
from trustai_web.campaigns.models import Campaign
from trustai_web.connections.models import BackendSettings
from trustai_web.dashboard.task_ids import ids_in


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


MOST_TEST_TASKS = 500
"""Tasks that a batch can hold, and so a test set that is drawn."""

MAX_ID_FILE = 1_000_000
"""Bytes of a file of ids: about a hundred thousand of them."""

MOST_NAMED = 20
"""Words of a list of ids that are named because they are none."""


class BackendForm(forms.Form):
    """How we speak to an ML backend. The saved password is sent to its address alone, and never shown."""

    train_route = forms.ChoiceField(
        label="How a training is started",
        choices=BackendSettings.Route.choices,
        required=False,
        widget=forms.RadioSelect,
        help_text="Automatic takes the first of these that the backend has. One that is named is used alone.",
    )
    train_minutes = forms.IntegerField(
        label="Minutes that a training may take",
        required=False,
        min_value=1,
        max_value=7 * 24 * 60,
    )
    username = forms.CharField(
        label="User",
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Only for a backend that asks for a user and password (BASIC_AUTH_USER). "
        "Empty: neither is sent, and a saved password is forgotten.",
    )
    password = forms.CharField(
        required=False,
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="It is kept encrypted, sent to this address alone, and never shown again.",
    )

    def __init__(self, *args: Any, saved: BackendSettings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update({name: getattr(saved, name) for name in ("train_route", "train_minutes", "username")})
        self._saved = saved
        usual = settings.TRAIN_TIMEOUT_SECONDS / 60
        self.fields["train_minutes"].help_text = f"Empty: {usual:g}, as this site is set up."
        if saved.password:
            self.fields["password"].help_text += " Leave it empty to keep the one that is saved."

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        user, password = found.get("username", ""), found.get("password", "")
        if password and not user:
            self.add_error("username", "Enter the user that this password belongs to.")
        elif user and not password and self._saved.password and user != self._saved.username:
            self.add_error("password", "Enter the password of this user: the saved one belongs to another.")
        return found


class TestSetForm(forms.Form):
    """What a campaign is measured on. Only what belongs to the chosen source counts."""

    __test__ = False  # no test of pytest's

    source = forms.ChoiceField(label="Measured on", choices=Campaign.TestSource.choices, widget=forms.RadioSelect)
    size = forms.IntegerField(
        label="Tasks to draw",
        required=False,
        min_value=0,
        max_value=MOST_TEST_TASKS,
        help_text="Only for a test set that is drawn at random. What is missing is drawn in the next round.",
    )
    ids = forms.CharField(
        label="Task ids",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="Only for a list: the numbers that tasks have in Label Studio, separated by whatever you like.",
    )
    file = forms.FileField(
        label="A file with task ids",
        required=False,
        help_text="Only for a list: text or CSV that holds ids alone. They are added to those above.",
    )

    task_ids: Sequence[int] = ()
    """Those that were typed or are in the file."""

    def clean_file(self) -> str:
        """The text of the file; nothing where there is none."""
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > MAX_ID_FILE:
            raise forms.ValidationError(f"The file has more than {MAX_ID_FILE // 1000} kB. It must hold ids alone.")
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is no text. Save it as text or CSV, in UTF-8.") from None

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        source = found.get("source")
        if source == Campaign.TestSource.RANDOM and found.get("size", 0) is None:
            self.add_error("size", "Say how many tasks to draw; 0 for no test set.")
        if source == Campaign.TestSource.UPLOAD and "file" in found:
            self._clean_ids("\n".join(filter(None, (found.get("ids", "").strip(), found["file"].strip()))))
        return found

    def _clean_ids(self, text: str) -> None:
        self.task_ids, bad = ids_in(text)
        # A file is not sent again by itself: what it holds stays in the field, so that nothing is lost.
        typed = QueryDict(mutable=True)
        typed.update(self.data)
        typed["ids"] = text
        self.data = typed
        if bad:
            named = ", ".join(f"“{word[:40]}”" for word in bad[:MOST_NAMED])
            more = f" and {len(bad) - MOST_NAMED:,} more" if len(bad) > MOST_NAMED else ""
            self.add_error("ids", f"No ids: {named}{more}. Take them out; the others are kept below.")
        elif not self.task_ids:
            self.add_error("ids", "Enter ids, or choose a file that holds them.")


NEEDS = {
    "model": "By one model",
    "committee": "By several models: other backends of the project, or older versions of the model",
    "nothing": "Without a model",
}
"""What a strategy needs, as the heading of its group."""

NOT_MEASURED = "How good a model is at {} is not measured yet, so a test set of it would be labelled for nothing."


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
        if self.instance.pk is None:
            self._fit_test_size()
        else:
            del self.fields["test_size"]  # it has a page of its own

    def _fit_test_size(self) -> None:
        sure = {points: suggested_size(points / 100) for points in (5, 3)}
        self.fields["test_size"].help_text += (
            f" For a model that is right nine times in ten, {sure[5]} make its accuracy sure to ± 5 points, "
            f"{sure[3]} to ± 3. A ground truth or a list of tasks can be taken instead, once the campaign is there."
        )
        not_measured = [control.tag for control in self._controls if not control.can_be_measured]
        if not_measured:
            self.fields["test_size"].help_text += f" {NOT_MEASURED.format(', '.join(not_measured))}"
        if not_measured and len(not_measured) == len(self._controls):
            self.initial["test_size"] = 0

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        # Of a project that has one control by now, whatever was chosen while it had several.
        found.setdefault("control", "")
        counts = label_control(self._controls, found["control"])
        if counts and not counts.can_be_measured and found.get("test_size"):
            self.add_error("test_size", f"{NOT_MEASURED.format(counts.tag)} Set it to 0.")
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
            "control_share",
            "annotators",
            "source",
            "write_back",
            "rank_by",
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
