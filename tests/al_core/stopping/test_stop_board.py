"""What the board advises."""

import pytest

from al_core.evaluation import Agreement, Interval, Point, fit_power_law, wilson_interval
from al_core.stopping import RoundFacts, stop_board
from al_core.stopping.sentence import gain_and_cost

COST = Interval(83.0, 72.0, 95.0)


def gain(value, low, high):
    return Interval(value, low, high)


@pytest.mark.parametrize(
    ("of_labels", "seconds", "sentence"),
    [
        (
            gain(0.006, 0.003, 0.009),
            COST,
            "The next 100 labels bring +0.3 to +0.9 points and cost about 2.3 hours (2.0 to 2.6).",
        ),
        (
            gain(0.003, -0.002, 0.009),
            COST,
            "The next 100 labels bring between −0.2 and +0.9 points: it may bring nothing. "
            "They cost about 2.3 hours (2.0 to 2.6).",
        ),
        (
            gain(-0.01, -0.02, -0.003),
            COST,
            "The next 100 labels make the model worse, by 0.3 to 2.0 points, and cost about 2.3 hours (2.0 to 2.6).",
        ),
        (
            gain(0.006, 0.003, 0.009),
            None,
            "The next 100 labels bring +0.3 to +0.9 points; what they cost is not known.",
        ),
        (
            gain(0.003, -0.002, 0.009),
            None,
            "The next 100 labels bring between −0.2 and +0.9 points: it may bring nothing. "
            "What they cost is not known.",
        ),
        (
            gain(-0.01, -0.02, -0.003),
            None,
            "The next 100 labels make the model worse, by 0.3 to 2.0 points; what they cost is not known.",
        ),
        (
            None,
            COST,
            "The next 100 labels cost about 2.3 hours (2.0 to 2.6); what they bring is not known yet.",
        ),
        (None, None, "What the next 100 labels bring and cost is not known yet."),
        (
            gain(0.0006, 0.0001, 0.0012),
            None,
            "The next 100 labels bring at most 0.1 points; what they cost is not known.",
        ),
        (
            gain(0, -0.0003, 0.0003),
            None,
            "The next 100 labels bring nothing that could be seen; what they cost is not known.",
        ),
    ],
)
def test_the_sentence_says_what_is_known_and_what_is_not(of_labels, seconds, sentence):
    assert gain_and_cost(of_labels, seconds, 100) == sentence


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (Interval(0.2, 0.1, 0.3), "about 20 seconds (10 to 30)"),
        (Interval(6.0, 5.0, 7.0), "about 10 minutes (8 to 12)"),
        (Interval(36.0, 36.0, 36.0), "about 1.0 hour;"),
        (Interval(3600.0, 3000.0, 4000.0), "about 100.0 hours (83.3 to 111.1)"),
    ],
)
def test_a_cost_is_told_in_the_unit_that_reads_best(seconds, said):
    assert said in gain_and_cost(None, seconds, 100)


def test_a_single_label_and_thousands_read_well():
    assert gain_and_cost(None, None, 1) == "What the next label brings and costs is not known yet."
    assert gain_and_cost(None, COST, 2000).startswith("The next 2\u202f000 labels cost")


def campaign(*facts):
    return [RoundFacts(number, 25 * number, **row) for number, row in enumerate(facts, start=1)]


def advice(name, rounds, fit=None, **options):
    return {rule.name: rule for rule in stop_board(rounds, fit, None, **options).rules}[name]


def alike(value):
    return Agreement(value, value - 0.01, min(1.0, value + 0.005), 900)


def test_every_rule_stands_on_every_board_with_its_source_and_threshold():
    for rounds in ([], campaign({}), campaign({}, {}, {"mean_uncertainty": 0.1})):
        rules = stop_board(rounds, None, None).rules
        assert [rule.name for rule in rules] == [
            "stabilising_predictions",
            "overall_uncertainty",
            "max_confidence",
            "predicted_gain",
        ]
        assert all(rule.source and rule.threshold > 0 and rule.evidence for rule in rules)


def test_answers_that_no_longer_change_say_stop():
    rounds = campaign({}, *({"agreement": alike(value)} for value in (0.9, 0.989, 0.992, 0.993)))
    found = advice("stabilising_predictions", rounds)
    assert (found.says, found.value) == ("stop", pytest.approx(0.99133, abs=1e-5))
    assert "0.900 (round 2), 0.989 (round 3), 0.992 (round 4), 0.993 (round 5)" in found.evidence
    assert "0.983 to 0.998" in found.evidence


def test_answers_that_still_change_say_go_on():
    rounds = campaign({}, *({"agreement": alike(value)} for value in (0.9, 0.95, 0.999)))
    assert advice("stabilising_predictions", rounds).says == "go_on"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_comparisons_say_nothing(count):
    rounds = campaign({}, *({"agreement": alike(0.999)} for _ in range(count)))
    found = advice("stabilising_predictions", rounds)
    assert (found.says, found.value) == ("unknown", None)
    assert found.evidence.startswith("Unknown")


@pytest.mark.parametrize(
    ("name", "fact", "stops", "goes_on"),
    [
        ("overall_uncertainty", "mean_uncertainty", 0.05, 0.051),
        ("max_confidence", "max_uncertainty", 0.1, 0.101),
    ],
)
def test_uncertainty_of_the_newest_model_decides(name, fact, stops, goes_on):
    assert advice(name, campaign({fact: 0.3}, {fact: stops})).says == "stop"
    found = advice(name, campaign({fact: 0.02}, {fact: goes_on}))
    assert (found.says, found.value) == ("go_on", goes_on)
    assert "2.0\u202f% (round 1)" in found.evidence


def test_a_newest_model_that_has_not_scored_yet_is_told_of():
    found = advice("overall_uncertainty", campaign({"mean_uncertainty": 0.3}, {"mean_uncertainty": 0.04}, {}))
    assert found.says == "stop"
    assert found.evidence.endswith("The model of round 3 has not scored the pool yet.")


def test_what_is_known_of_older_models_alone_says_nothing():
    old = {"mean_uncertainty": 0.01, "agreement": alike(0.999)}
    rounds = campaign(old, old, old, {}, {})
    for name in ("overall_uncertainty", "stabilising_predictions"):
        found = advice(name, rounds)
        assert (found.says, found.value) == ("unknown", None)
        assert "(round 3)" in found.evidence


def test_a_strategy_that_asks_no_model_leaves_it_unknown():
    found = advice("max_confidence", campaign({}, {}, {}))
    assert found.says == "unknown"
    assert found.evidence == "Unknown: the strategy asks no model, or its model tells no probabilities."


def curve(*shares, tests=400, step=100):
    rounds = [
        RoundFacts(number, step * number, Interval(share, *wilson_interval(round(share * tests), tests)))
        for number, share in enumerate(shares, start=1)
    ]
    return rounds, fit_power_law([Point(f.labels, f.value.value, f.value.low, f.value.high) for f in rounds])


def test_a_curve_that_still_rises_says_go_on():
    found = advice("predicted_gain", *curve(0.5, 0.6, 0.68, 0.74, 0.79))
    assert found.says == "go_on"
    assert found.value > found.threshold == 0.005
    assert found.evidence.startswith("Measured: 50.0\u202f% (round 1), ")


def test_a_curve_at_its_end_says_stop():
    found = advice("predicted_gain", *curve(0.7, 0.8, 0.84, 0.85, 0.855, 0.855, 0.855, 0.86, step=300))
    assert found.says == "stop"
    assert found.evidence.endswith("Even the upper end is less.")


def test_a_flat_curve_of_a_small_test_set_is_not_sure():
    found = advice("predicted_gain", *curve(0.8, 0.8, 0.8, 0.8, tests=100))
    assert found.says == "unknown"
    assert found.evidence.endswith("It is likely to be less, but that is not sure.")


def test_without_a_curve_the_gain_is_unknown():
    rounds, fit = curve(0.5, 0.6)
    found = advice("predicted_gain", rounds, fit)
    assert (found.says, found.value) == ("unknown", None)
    assert found.evidence.endswith("so far it has 2.")


def test_the_gain_is_told_from_the_newest_count_of_labels_on():
    rounds, fit = curve(0.5, 0.6, 0.68, 0.74)
    later = stop_board([*rounds, RoundFacts(5, 1000)], fit, None, more=50)
    assert advice("predicted_gain", rounds, fit, more=50).value > later.rules[-1].value


def test_rounds_may_come_in_any_order():
    rounds, fit = curve(0.5, 0.6, 0.68, 0.74)
    assert stop_board(rounds[::-1], fit, COST) == stop_board(rounds, fit, COST)
