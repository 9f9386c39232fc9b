"""Who may log in, and how a lead adds one more."""

import pytest

from trustai_web.accounts.models import User

PASSWORD = "correct horse battery"
FORM = {"username": "dora", "role": "annotator", "password1": PASSWORD, "password2": PASSWORD}


def test_the_refusals(assert_refusals):
    assert_refusals("/people/", takes=("get", "post"), bob=403, charlie=403)


def test_everybody_is_listed_with_their_role(as_alice, bob):
    text = as_alice.get("/people/").text
    assert "alice" in text
    assert "autofocus" not in text
    assert "bob" in text
    assert "Annotator" in text


@pytest.mark.parametrize("role", ["lead", "annotator"])
def test_a_person_who_was_added_can_log_in(as_alice, as_nobody, role):
    answer = as_alice.post("/people/", {**FORM, "role": role}, follow=True)
    assert "dora can log in now" in answer.text
    assert PASSWORD not in answer.text
    assert User.objects.get(username="dora").role == role
    assert as_nobody.login(username="dora", password=PASSWORD)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("username", "alice", "already exists"),
        ("password2", "another", "match"),
        ("password2", "", "required"),
        ("role", "owner", "not one of the available choices"),
    ],
)
def test_bad_input_is_told_and_nobody_is_added(as_alice, field, value, said):
    answer = as_alice.post("/people/", {**FORM, field: value})
    assert said in answer.text
    assert list(answer.context["form"].errors) == [field]
    assert not User.objects.filter(username="dora").exists()
