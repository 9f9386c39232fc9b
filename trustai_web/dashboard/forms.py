"""What people type in."""

from typing import Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm

from al_core.strategies import DIVERSITY, STRATEGIES
from trustai_web.accounts.models import User
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


class CampaignForm(forms.ModelForm):
    """How a campaign asks."""

    strategy = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[(name, f"{known.label}. {known.help}") for name, known in STRATEGIES.items()],
        initial="margin",
        help_text="What makes a task worth asking about.",
    )
    diversity = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[(name, f"{known.label}. {known.help}") for name, known in DIVERSITY.items()],
        initial="kmeans",
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        baseline = self.fields["baseline"]
        baseline.queryset = baseline.queryset.exclude(pk=self.instance.pk)  # type: ignore[attr-defined]
        annotators = self.fields["annotators"]
        if not annotators.queryset.exists():  # type: ignore[attr-defined]
            annotators.help_text = "Nobody is an annotator yet; add one under People."

    class Meta:
        model = Campaign
        fields = (
            "name",
            "strategy",
            "diversity",
            "batch_size",
            "candidate_factor",
            "start_size",
            "test_size",
            "seed",
            "baseline",
            "annotators",
        )
        labels = {"seed": "Random seed"}
