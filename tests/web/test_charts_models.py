"""The pictures of one model: each says what it shows, and its numbers are the ones that were given."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from al_core.evaluation import ClassChange, ClassRow, Confusion, Interval, Metric
from al_core.evaluation.calibration import reliability
from al_core.evaluation.calibration import uncertainty_and_error as ranking_of
from trustai_web.dashboard import charts
from trustai_web.dashboard.charts import Chart


def plain(text: str) -> str:
    return text.replace("\u202f", " ")


def drawn(chart: Chart | None) -> Chart:
    """A chart that is there, is plain JSON without a colour, and has rows as wide as its columns."""
    assert chart is not None
    text = json.dumps(chart.figure, allow_nan=False)
    assert "color" not in text
    assert {len(row) for row in chart.rows} == {len(chart.columns)}
    return chart


def roles(chart: Chart) -> list[str]:
    return [trace["meta"]["role"] for trace in chart.figure["data"]]


def trace(chart: Chart, role: str) -> dict:
    return next(trace for trace in chart.figure["data"] if trace["meta"]["role"] == role)


def metric(name: str, value: float, low: float, high: float, count: int = 20) -> Metric:
    return Metric(name, name, value, low, high, count, "wilson")


def row(label: str, f1: float | None, support: int = 20) -> ClassRow:
    if f1 is None:
        return ClassRow(label, support, None, None, None)
    measures = [metric(name, f1, f1 - 0.05, min(f1 + 0.05, 1)) for name in ("precision", "recall", "f1")]
    return ClassRow(label, support, *measures)


class TestClassDots:
    def test_the_worst_class_is_named_and_at_the_top(self) -> None:
        chart = drawn(charts.class_dots([row("cat", 0.9), row("dog", 0.5), row("emu", 0.7)]))
        assert plain(chart.title) == "“dog” is known least, F1 50.0 %; “cat” best, 90.0 %"
        axis = chart.figure["layout"]["yaxis"]
        assert dict(zip(axis["tickvals"], axis["ticktext"], strict=True)) == {2: "dog", 1: "emu", 0: "cat"}

    def test_both_measures_have_their_intervals(self) -> None:
        chart = drawn(charts.class_dots([row("cat", 0.9), row("dog", 0.5)]))
        assert roles(chart) == ["model", "control"]
        for marks in chart.figure["data"]:
            assert list(marks["x"]) == pytest.approx([50, 90])
            assert list(marks["error_x"]["arrayminus"]) == pytest.approx([5, 5])

    @pytest.mark.parametrize(("best", "expected"), [(0.58, "may be chance"), (0.9, "the intervals do not overlap")])
    def test_a_difference_between_classes_may_be_chance(self, best: float, expected: str) -> None:
        assert expected in drawn(charts.class_dots([row("cat", best), row("dog", 0.5)])).sentence

    def test_classes_with_nothing_to_measure_by_are_in_the_table_alone(self) -> None:
        chart = drawn(charts.class_dots([row("cat", 0.9), row("emu", None, support=0)]))
        assert "1 class has nothing to measure by." in chart.sentence
        assert chart.rows[-1][:3] == ["emu", "0", ""]
        assert plain(chart.title) == "“cat” is known with F1 90.0 %"

    def test_all_equally_good(self) -> None:
        assert drawn(charts.class_dots([row("a", 0.5), row("b", 0.5)])).title.startswith(
            "All classes are known equally"
        )

    def test_of_many_classes_the_worst_are_shown_and_all_are_in_the_table(self) -> None:
        chart = drawn(charts.class_dots([row(f"a class with a long name {n}", n / 100) for n in range(40)]))
        assert "The picture shows the 30 worst of 40 classes." in chart.sentence
        assert len(chart.rows) == 40
        assert chart.height == "very-tall"
        assert chart.figure["layout"]["yaxis"]["ticktext"][3] == "a class…name 3"

    def test_nothing_measured_is_no_chart(self) -> None:
        assert charts.class_dots([row("emu", None)]) is None


class TestConfusionMatrix:
    def matrix(self, *counts: Sequence[int]) -> Confusion:
        return Confusion(("cat", "dog", "emu")[: len(counts)], tuple(tuple(line) for line in counts))

    def test_the_largest_confusions_are_in_words(self) -> None:
        chart = drawn(charts.confusion_matrix(self.matrix((8, 2, 0, 0), (1, 9, 3, 0), (0, 0, 10, 1))))
        assert chart.title == "“dog” is most often taken for “emu” (3 times)"
        assert plain(chart.sentence).startswith(
            "The largest confusions: “dog” as “emu” (3), “cat” as “dog” (2), “dog” as “cat” (1); "
            "together 85.7 % of 7 errors."
        )

    def test_cells_are_shares_of_their_row_and_say_their_counts(self) -> None:
        chart = drawn(charts.confusion_matrix(self.matrix((8, 2, 0), (1, 9, 0))))
        heat, counts = trace(chart, "heat"), trace(chart, "heat_text")
        assert [list(line) for line in heat["z"]] == [[0.8, 0.2], [0.1, 0.9]]
        assert list(counts["text"]) == ["8", "2", "1", "9"]
        assert list(counts["meta"]["shares"]) == [0.8, 0.2, 0.1, 0.9]
        assert [row[:3] for row in chart.rows] == [
            ["cat", "cat", "8"],
            ["cat", "dog", "2"],
            ["dog", "cat", "1"],
            ["dog", "dog", "9"],
        ]

    def test_no_answer_has_a_column_only_where_it_happened(self) -> None:
        answered = drawn(charts.confusion_matrix(self.matrix((8, 2, 0), (1, 9, 0))))
        silent = drawn(charts.confusion_matrix(self.matrix((8, 0, 2), (1, 9, 0))))
        assert list(answered.figure["layout"]["xaxis"]["ticktext"]) == ["cat", "dog"]
        assert list(silent.figure["layout"]["xaxis"]["ticktext"]) == ["cat", "dog", "none"]
        assert silent.title == "“cat” most often gets no answer (2 times)"

    def test_nothing_confused(self) -> None:
        chart = drawn(charts.confusion_matrix(self.matrix((8, 0, 0), (0, 9, 0))))
        assert chart.title == "No class is taken for another"

    def test_a_single_confusion(self) -> None:
        chart = drawn(charts.confusion_matrix(self.matrix((8, 1, 0), (0, 9, 0))))
        assert chart.title == "“cat” is most often taken for “dog” (once)"
        assert chart.sentence.startswith("The only confusion: “cat” as “dog” (1).")

    def test_a_class_that_people_never_answered_has_an_empty_row(self) -> None:
        chart = drawn(charts.confusion_matrix(self.matrix((8, 2, 0), (0, 0, 0))))
        assert [list(line) for line in trace(chart, "heat")["z"]] == [[0.8, 0.2], [0.0, 0.0]]

    def test_many_classes_are_shown_without_numbers_up_to_thirty(self) -> None:
        labels = tuple(f"class {n}" for n in range(34))
        counts = tuple((*(5 * (r == c) + 1 for c in range(34)), 0) for r in range(34))
        chart = drawn(charts.confusion_matrix(Confusion(labels, counts)))
        assert roles(chart) == ["heat"]
        assert len(trace(chart, "heat")["z"]) == 30
        assert "The picture shows the 30 most frequent of 34 classes." in chart.sentence
        assert len(chart.rows) == 34 * 34

    def test_no_answers_at_all_is_no_chart(self) -> None:
        assert charts.confusion_matrix(self.matrix((0, 0, 0), (0, 0, 0))) is None


class TestReliability:
    def chart(self, *groups: tuple[float, int, int]) -> Chart:
        """Groups of (confidence, right, wrong)."""
        sure = [confidence for confidence, right, wrong in groups for _ in range(right + wrong)]
        rights = [place < right for _, right, wrong in groups for place in range(right + wrong)]
        found = reliability(sure, rights)
        assert found is not None
        return drawn(charts.reliability_diagram(found))

    @pytest.mark.parametrize(
        ("group", "expected"),
        [
            ((0.95, 60, 40), "The model is surer than it is right: 95.0 % against 60.0 %"),
            ((0.55, 90, 10), "The model is less sure than it is right: 55.0 % against 90.0 %"),
            ((0.9, 90, 10), "The model is about as sure as it is right: 90.0 % against 90.0 %"),
        ],
    )
    def test_title_says_which_way_it_is_off(self, group: tuple[float, int, int], expected: str) -> None:
        assert plain(self.chart(group).title) == expected

    def test_sentence_has_the_calibration_error_with_its_interval(self) -> None:
        sentence = plain(self.chart((0.95, 60, 40)).sentence)
        assert re.match(
            r"Expected calibration error 35\.\d points \(95 % interval \d+\.\d to \d+\.\d\) over 100 answers", sentence
        )
        assert "Farthest off: sure to 95.0 %, and 60.0 % are right." in sentence
        assert "chance" not in sentence

    def test_what_may_be_chance_is_said(self) -> None:
        sentence = self.chart((0.9, 9, 1)).sentence
        assert "which may be chance" in sentence
        assert "No group of answers is farther from the dashed diagonal than chance explains." in sentence

    def test_points_are_as_large_as_their_answers_are_many(self) -> None:
        chart = self.chart((0.95, 90, 10), (0.65, 20, 5))
        small, large = trace(chart, "model")["marker"]["size"]
        assert (small, large) == (pytest.approx(8 + 18 * 0.5), 26)
        assert list(trace(chart, "diagonal")["x"]) == list(trace(chart, "diagonal")["y"])
        assert [row[2] for row in chart.rows] == ["25", "100"]


class TestUncertaintyAndError:
    def chart(self, uncertainties: Sequence[float], wrongs: Sequence[bool]) -> Chart:
        ids = list(range(100, 100 + len(wrongs)))
        ranking = ranking_of(uncertainties, wrongs)
        return drawn(charts.uncertainty_and_error(uncertainties, wrongs, ids, ranking))

    @pytest.mark.parametrize(
        ("right", "wrong", "expected"),
        [
            (0.1, 0.9, "Uncertainty finds the errors among the test answers: AUROC 1.00 ("),
            (0.9, 0.1, "Uncertainty misleads among the test answers: AUROC 0.00 ("),
            (0.5, 0.5, "Uncertainty is no better than chance among the test answers: AUROC 0.50 ("),
        ],
    )
    def test_title_is_the_verdict(self, right: float, wrong: float, expected: str) -> None:
        assert self.chart([right] * 20 + [wrong] * 10, [False] * 20 + [True] * 10).title.startswith(expected)

    def test_few_errors_do_not_make_it_chance(self) -> None:
        title = self.chart([0.5] * 12, [False] * 9 + [True] * 3).title
        assert title.startswith("Not clear yet whether uncertainty finds the errors among the test answers: AUROC 0.50")

    def test_right_and_wrong_are_two_groups_whose_points_name_their_tasks(self) -> None:
        chart = self.chart([0.1, 0.2, 0.9], [False, False, True])
        assert roles(chart) == ["right", "wrong"]
        assert list(trace(chart, "wrong")["x"]) == [0.9]
        assert list(trace(chart, "wrong")["hovertext"]) == ["Task 102<br>uncertainty 0.900"]
        assert [row[:2] for row in chart.rows] == [["right", "2"], ["wrong", "1"]]

    def test_sentence_tells_the_area_as_pairs(self) -> None:
        sentence = plain(self.chart([0.1, 0.3, 0.2, 0.9], [False, False, True, True]).sentence)
        assert "the wrong one is the less certain in 75 % of all pairs" in sentence

    @pytest.mark.parametrize(
        ("wrongs", "expected"),
        [
            ([False, False], "All 2 test answers are right; there is no error that uncertainty could find."),
            ([True, True], "All 2 test answers are wrong; there is nothing right to tell them from."),
        ],
    )
    def test_one_group_alone_tells_nothing(self, wrongs: list[bool], expected: str) -> None:
        chart = self.chart([0.1, 0.2], wrongs)
        assert chart.title.startswith("Not known yet")
        assert chart.sentence == expected

    def test_no_uncertainty_is_no_chart(self) -> None:
        assert charts.uncertainty_and_error([], [], [], None) is None


class TestClassChanges:
    def test_gains_and_losses_are_two_colours(self) -> None:
        rows = [ClassChange("cat", 10, 5, 8), ClassChange("dog", 10, 7, 6), ClassChange("emu", 10, 7, 7)]
        chart = drawn(charts.class_changes(rows))
        assert chart.title == "1 class gained, 1 lost"
        assert list(trace(chart, "right")["x"]) == [3]
        assert list(trace(chart, "wrong")["x"]) == [-1]
        assert chart.sentence == (
            "Most gained: cat, from 5 to 8 of 10 tasks. Most lost: dog, from 7 to 6 of 10 tasks. "
            "1 class stayed as before."
        )
        assert [row[-1] for row in chart.rows] == ["+3", "0", "−1"]

    def test_only_gains(self) -> None:
        chart = drawn(charts.class_changes([ClassChange("cat", 10, 5, 8)]))
        assert roles(chart) == ["right"]
        assert "No class lost." in chart.sentence

    def test_nothing_changed_is_no_chart(self) -> None:
        assert charts.class_changes([ClassChange("cat", 10, 5, 5)]) is None


@dataclass(frozen=True)
class Segment:
    step: str
    start: float
    seconds: float


@dataclass(frozen=True)
class Times:
    round_number: int
    segments: tuple[Segment, ...]


class TestTimeline:
    def times(self, number: int, labelling: float = 3000) -> Times:
        steps = (Segment("scoring", 5, 60), Segment("labelling", 100, labelling), Segment("training", 8000, 300))
        return Times(number, steps)

    def test_title_says_where_the_time_goes(self) -> None:
        title = plain(drawn(charts.rounds_timeline([self.times(0), self.times(1)])).title)
        assert title == "Most time goes into labelling: 89 % of 1 h 52 min"

    def test_segments_lie_where_they_began_in_a_unit_that_fits(self) -> None:
        chart = drawn(charts.rounds_timeline([self.times(0)]))
        assert chart.figure["layout"]["xaxis"]["title"]["text"] == "hours since the round began"
        bars = trace(chart, "training")
        assert list(bars["base"]) == pytest.approx([8000 / 3600])
        assert list(bars["x"]) == pytest.approx([300 / 3600])
        assert chart.sentence.startswith("Round 0: scoring 1 min 0 s, labelling 50 min 0 s, training 5 min 0 s.")

    def test_a_round_that_only_began(self) -> None:
        chart = drawn(charts.rounds_timeline([Times(3, (Segment("scoring", 0, 4.2),))]))
        assert roles(chart) == ["scoring"]
        assert chart.rows == [["3", "4.2 s", "", ""]]

    def test_of_many_rounds_the_last_are_shown(self) -> None:
        chart = drawn(charts.rounds_timeline([self.times(number) for number in range(15)]))
        assert "The picture shows the last 12 of 15 rounds." in chart.sentence
        assert len(chart.rows) == 15

    def test_nothing_ended_is_no_chart(self) -> None:
        assert charts.rounds_timeline([Times(0, ())]) is None


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0034, "+0.3"), (-0.0034, "−0.3"), (0.0004, "0.0"), (-0.0004, "0.0"), (0, "0.0")]
)
def test_points_have_a_sign_only_where_there_is_something(share: float, expected: str) -> None:
    assert charts.points(share) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(4.26, "4.3 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (5 * 86400, "5.0 days")],
)
def test_durations(seconds: float, expected: str) -> None:
    assert charts.duration(seconds) == expected


def test_an_interval_has_one_percent_sign() -> None:
    assert plain(charts.interval(Interval(0.9, 0.892, 0.962))) == "89.2 to 96.2 %"


def contrast(one: str, other: str) -> float:
    """By WCAG, of two colours as #rrggbb."""

    def luminance(colour: str) -> float:
        shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_of_charts_can_be_seen_in_both_themes(theme: str) -> None:
    text = (Path(settings.BASE_DIR) / "static/css/app.css").read_text()
    (block,) = re.findall(rf'data-bs-theme="{theme}"\] {{\n  color-scheme(.*?)\n}}', text, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block.replace("#fff;", "#ffffff;")))
    marks = ["model", "selected", "random", "quiet", "fit", "control", "right", "wrong", "heat-high"]
    for mark in marks:
        assert contrast(colours[f"chart-{mark}"], colours["paper"]) >= 3, mark
    assert contrast(colours["ink"], colours["chart-heat-low"]) >= 4.5
    assert contrast(colours["chart-heat-ink"], colours["chart-heat-high"]) >= 4.5
