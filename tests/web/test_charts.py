"""The pictures: their words are computed rightly, and their numbers are the ones that were given."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from al_core.evaluation import Interval
from trustai_web.dashboard.charts import (
    RIDGES_SHOWN,
    Chart,
    learning_curve,
    number,
    percent,
    uncertainty_histogram,
    uncertainty_ridges,
)


@dataclass(frozen=True)
class Point:
    round_number: int
    label_count: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CountedPoint(Point):
    correct: int
    total: int


@dataclass(frozen=True)
class Lane(Point):
    correct: int | None = None
    total: int | None = None
    hours: float | None = None


@dataclass(frozen=True)
class Histogram:
    round_number: int
    counts: list[int]
    edges: list[float]


FIRST = Point(1, 50, 0.80, 0.74, 0.85)
SECOND = Point(2, 75, 0.90, 0.86, 0.94)
THIRD = CountedPoint(3, 100, 0.935, 0.892, 0.962, correct=187, total=200)


def plain(text: str) -> str:
    """A text with thin spaces made ordinary."""
    return text.replace("\u202f", " ")


def drawn(chart: Chart | None) -> Chart:
    assert chart is not None
    return chart


def trace(chart: Chart, role: str) -> dict:
    return next(trace for trace in chart.figure["data"] if trace["meta"]["role"] == role)


def roles(chart: Chart) -> list[str]:
    return [trace["meta"]["role"] for trace in chart.figure["data"]]


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0, 0, "0"),
        (999, 0, "999"),
        (1547, 0, "1\u202f547"),
        (1234567, 0, "1\u202f234\u202f567"),
        (1234.5, 1, "1\u202f234.5"),
    ],
)
def test_numbers_have_thin_spaces_between_thousands(value: float, decimals: int, expected: str) -> None:
    assert number(value, decimals) == expected


def test_percent_has_one_decimal() -> None:
    assert percent(0.9341) == "93.4\u202f%"


@pytest.mark.parametrize(
    "chart",
    [
        learning_curve([FIRST, SECOND, THIRD], [FIRST]),
        learning_curve([THIRD]),
        uncertainty_histogram(np.array([3, 1]), np.array([0.0, 0.5, 1.0]), [np.float64(0.9)], "entropy", 1, 4, 0),
        uncertainty_ridges([Histogram(1, np.array([3, 1]), np.array([0.0, 0.5, 1.0]))]),  # type: ignore[arg-type]
    ],
)
def test_every_chart_is_plain_json_without_template_or_colour(chart: Chart | None) -> None:
    text = json.dumps(drawn(chart).figure, allow_nan=False)
    assert json.loads(text).keys() == {"data", "layout"}
    assert "template" not in text
    assert "color" not in text


@pytest.mark.parametrize(
    "chart",
    [
        learning_curve([]),
        learning_curve([], [FIRST]),
        uncertainty_histogram([], [], [], "entropy", 1, 0, 3),
        uncertainty_histogram([0, 0], [0, 0.5, 1], [], "entropy", 1, 0, 3),
        uncertainty_ridges([]),
        uncertainty_ridges([Histogram(1, [], []), Histogram(2, [0], [0.0, 1.0])]),
    ],
)
def test_nothing_to_show_is_no_chart(chart: Chart | None) -> None:
    assert chart is None


def test_rows_are_as_wide_as_the_columns() -> None:
    charts = [
        learning_curve([FIRST, SECOND], [FIRST]),
        learning_curve([FIRST]),
        uncertainty_histogram([3, 1], [0, 0.5, 1], [0.9], "entropy", 1, 4, 0),
        uncertainty_ridges([Histogram(1, [3, 1], [0, 0.5, 1])]),
    ]
    for chart in charts:
        assert {len(row) for row in drawn(chart).rows} == {len(drawn(chart).columns)}


class TestLearningCurve:
    def test_title_says_the_last_value(self) -> None:
        assert plain(drawn(learning_curve([FIRST, SECOND, THIRD])).title) == "Accuracy 93.5 % after 100 labels"

    def test_one_label_is_singular(self) -> None:
        assert plain(drawn(learning_curve([Point(1, 1, 0.5, 0.1, 0.9)])).title) == "Accuracy 50.0 % after 1 label"

    def test_points_may_come_in_any_order(self) -> None:
        assert learning_curve([THIRD, FIRST, SECOND]) == learning_curve([FIRST, SECOND, THIRD])

    def test_another_metric_is_named(self) -> None:
        chart = drawn(learning_curve([FIRST], metric="macro F1"))
        assert chart.title.startswith("Macro F1 ")
        assert chart.figure["layout"]["yaxis"]["title"]["text"] == "macro F1 on the test set (%)"

    def test_sentence_counts_the_test_tasks(self) -> None:
        sentence = plain(drawn(learning_curve([SECOND, THIRD])).sentence)
        assert "Round 3 answers 187 of 200 test tasks rightly (95 % interval 89.2 to 96.2 %)." in sentence

    def test_sentence_without_counts_says_the_value(self) -> None:
        assert plain(drawn(learning_curve([FIRST])).sentence).startswith(
            "Round 1 stands at 80.0 % (95 % interval 74.0 to 85.0 %)."
        )

    @pytest.mark.parametrize(
        ("points", "expected"),
        [
            ([SECOND, THIRD], "The intervals of rounds 2 and 3 overlap, so the gain may be chance."),
            (
                [FIRST, SECOND],
                "The intervals of rounds 1 and 2 do not overlap: the gain is more than chance.",
            ),
            ([THIRD, Point(4, 125, 0.9, 0.85, 0.94)], "overlap, so the fall may be chance."),
            ([FIRST, Point(2, 75, 0.80, 0.74, 0.85)], "Between rounds 1 and 2 nothing changed."),
            ([FIRST], "The next round will show whether it grows."),
        ],
    )
    def test_sentence_is_honest_about_the_gain(self, points: list[Point], expected: str) -> None:
        assert expected in drawn(learning_curve(points)).sentence

    def test_band_is_the_interval(self) -> None:
        band = trace(drawn(learning_curve([FIRST, SECOND])), "band")
        assert list(band["x"]) == [50, 75, 75, 50]
        assert list(band["y"]) == pytest.approx([85, 94, 86, 74])

    def test_line_is_the_value_with_round_numbers(self) -> None:
        line = trace(drawn(learning_curve([FIRST, SECOND])), "model")
        assert list(line["x"]) == [50, 75]
        assert list(line["y"]) == pytest.approx([80, 90])
        assert list(line["text"]) == ["1", "2"]
        assert "error_y" not in line

    def test_a_single_point_shows_its_interval_itself(self) -> None:
        chart = drawn(learning_curve([FIRST]))
        line = trace(chart, "model")
        assert roles(chart) == ["model"]
        assert list(line["error_y"]["array"]) == pytest.approx([5])
        assert list(line["error_y"]["arrayminus"]) == pytest.approx([6])

    def test_every_interval_is_within_the_axis(self) -> None:
        low, high = drawn(learning_curve([Point(1, 9, 1.0, 0.0, 1.0)])).figure["layout"]["yaxis"]["range"]
        assert low <= 0
        assert high >= 100

    def test_an_abbreviation_keeps_its_letters(self) -> None:
        chart = drawn(learning_curve([FIRST], metric="map_50"))
        assert plain(chart.title) == "mAP@50 80.0 % after 50 labels"
        assert drawn(learning_curve([FIRST], metric="span_f1")).title.startswith("Span F1 ")

    def test_table_has_every_point(self) -> None:
        rows = drawn(learning_curve([FIRST, SECOND])).rows
        assert [plain(cell) for cell in rows[1]] == ["2", "75", "90.0 %", "86.0 %", "94.0 %"]


@dataclass(frozen=True)
class Law:
    """A fitted curve that is 2 points above what was measured last, and gains as told."""

    low: float = 0.003
    high: float = 0.009

    def measured_at(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        middle = 0.9 + np.asarray(labels) / 10_000
        return middle, middle - 0.02, middle + 0.02

    def gain(self, labels_now: int, more: int) -> Interval:
        return Interval(0.005, self.low, self.high)


class TestFittedCurve:
    def test_title_says_what_the_next_labels_bring(self) -> None:
        title = plain(drawn(learning_curve([FIRST, SECOND, THIRD], fit=Law())).title)
        assert title == "Accuracy 93.5 % after 100 labels, the next 100 bring +0.3 to +0.9 points"

    @pytest.mark.parametrize(
        ("law", "expected"),
        [
            (Law(-0.001, 0.009), "bring −0.1 to +0.9 points"),
            (Law(0.0, 0.0004), "bring next to nothing"),
        ],
    )
    def test_a_gain_may_be_none(self, law: Law, expected: str) -> None:
        chart = drawn(learning_curve([FIRST, SECOND, THIRD], fit=law))
        assert chart.title.endswith(expected)
        assert f"By the dotted curve the next 100 labels {expected}." in chart.sentence

    def test_the_line_is_dotted_and_goes_on_by_a_hundred_labels_with_its_band(self) -> None:
        chart = drawn(learning_curve([FIRST, SECOND, THIRD], fit=Law()))
        line, band = trace(chart, "fit"), trace(chart, "fit_band")
        assert line["line"]["dash"] == "dot"
        assert (line["x"][0], line["x"][-1]) == (50, 200)
        assert line["y"][-1] == pytest.approx(92)
        assert max(band["y"]) == pytest.approx(94)
        assert chart.figure["layout"]["xaxis"]["range"][1] > 200
        assert [row[0] for row in chart.rows] == ["test set"] * 3 + ["fitted curve"] * 2
        assert [plain(cell) for cell in chart.rows[-1]] == ["fitted curve", "", "200", "92.0 %", "90.0 %", "94.0 %"]

    def test_where_random_is_the_finding_the_sentence_has_the_gain(self) -> None:
        chart = drawn(learning_curve([FIRST, SECOND, THIRD], [FIRST], fit=Law()))
        assert "bring" not in chart.title
        assert "bring +0.3 to +0.9 points" in chart.sentence


class TestControlLane:
    LANE = (Lane(2, 75, 0.8, 0.55, 0.93, correct=12, total=15), Lane(3, 100, 0.6, 0.39, 0.78, correct=12, total=20))

    def test_each_mark_has_its_own_interval(self) -> None:
        marks = trace(drawn(learning_curve([FIRST, SECOND, THIRD], control_points=self.LANE)), "control")
        assert marks["mode"] == "markers"
        assert list(marks["x"]) == [75, 100]
        assert list(marks["error_y"]["array"]) == pytest.approx([13, 18])
        assert list(marks["error_y"]["arrayminus"]) == pytest.approx([25, 21])

    def test_the_sentence_sets_it_beside_the_same_model_on_the_test_set(self) -> None:
        apart = plain(drawn(learning_curve([FIRST, SECOND, THIRD], control_points=self.LANE)).sentence)
        assert "stands at 60.0 % on 20 tasks (39.0 to 78.0 %), which does not fit the test set." in apart
        fits = drawn(learning_curve([FIRST, SECOND], control_points=self.LANE[:1])).sentence
        assert "which fits the test set." in fits
        alone = plain(drawn(learning_curve([FIRST], control_points=self.LANE[:1])).sentence)
        assert "on 15 tasks (55.0 to 93.0 %)." in alone

    def test_the_axis_is_no_longer_the_test_sets_alone(self) -> None:
        layout = drawn(learning_curve([FIRST, SECOND], control_points=self.LANE)).figure["layout"]
        assert layout["yaxis"]["title"]["text"] == "accuracy (%)"
        assert layout["showlegend"] is True

    def test_long_whiskers_of_a_young_lane_do_not_flatten_the_curve(self) -> None:
        young = Lane(1, 50, 0.8, 0.2, 0.99, correct=1, total=1)
        low, _ = drawn(learning_curve([FIRST, SECOND], control_points=[young])).figure["layout"]["yaxis"]["range"]
        assert low > 60


class TestHours:
    TIMED = (Lane(1, 50, 0.8, 0.74, 0.85, hours=0.5), Lane(2, 75, 0.9, 0.86, 0.94, hours=2.0))

    def test_the_place_of_a_point_is_its_hours(self) -> None:
        chart = drawn(learning_curve(self.TIMED, by="hours"))
        assert list(trace(chart, "model")["x"]) == [0.5, 2.0]
        assert plain(chart.title) == "Accuracy 90.0 % after 2.0 hours"
        assert chart.figure["layout"]["xaxis"]["title"]["text"] == "hours that annotators spent"
        assert chart.columns == ["Round", "Labels", "Hours", "Accuracy", "From", "To"]

    def test_less_than_an_hour_is_told_in_minutes(self) -> None:
        assert drawn(learning_curve(self.TIMED[:1], by="hours")).title.endswith("after 30 minutes")

    def test_rounds_of_unknown_hours_are_said_to_be_left_out(self) -> None:
        sentence = drawn(learning_curve([*self.TIMED, Lane(3, 100, 0.9, 0.8, 0.95)], by="hours")).sentence
        assert "Of 1 round nobody knows the hours" in sentence
        assert learning_curve([Lane(3, 100, 0.9, 0.8, 0.95)], by="hours") is None

    def test_the_fitted_curve_goes_on_at_the_mean_pace(self) -> None:
        line = trace(drawn(learning_curve(self.TIMED, fit=Law(), by="hours")), "fit")
        assert line["x"][0] == pytest.approx(0.5)
        assert line["x"][-1] == pytest.approx(2.0 / 75 * 175)
        assert list(line["x"]) == sorted(line["x"])

    def test_random_is_compared_in_hours(self) -> None:
        rival = [Lane(1, 50, 0.7, 0.6, 0.8, hours=1.0), Lane(2, 150, 0.95, 0.9, 0.98, hours=6.0)]
        assert drawn(learning_curve(self.TIMED, rival, by="hours")).title.endswith(", random needs about 5.0 hours")


class TestRandomComparison:
    @pytest.mark.parametrize(
        ("rival", "expected"),
        [
            ([Point(1, 50, 0.7, 0.6, 0.8), Point(2, 250, 0.95, 0.9, 0.98)], ", random needs about 240"),
            (
                [Point(1, 50, 0.7, 0.6, 0.8), Point(2, 100, 0.95, 0.9, 0.98)],
                ", random reaches it with about 95",
            ),
            ([Point(1, 40, 0.95, 0.9, 0.98)], ", random reaches it with at most 40"),
            ([Point(1, 200, 0.9, 0.8, 0.95)], ", random has not reached it with 200"),
            ([Point(1, 50, 0.7, 0.6, 0.8)], "labels"),  # measured too early to say anything
        ],
    )
    def test_title_says_what_random_needs(self, rival: list[Point], expected: str) -> None:
        assert plain(drawn(learning_curve([FIRST, THIRD], rival)).title).endswith(expected)

    @pytest.mark.parametrize(
        ("rival", "expected"),
        [
            (
                Point(3, 100, 0.9, 0.85, 0.93),
                "random stands at 90.0 %; the intervals overlap, so the lead may be chance",
            ),
            (Point(3, 100, 0.8, 0.75, 0.84), "do not overlap, so the lead is more than chance"),
            (Point(3, 100, 0.95, 0.9, 0.98), "overlap, so the lag may be chance"),
            (Point(3, 100, 0.935, 0.9, 0.98), "random does equally well"),
            (Point(1, 50, 0.7, 0.6, 0.8), "The random campaign was measured with up to 50 labels."),
        ],
    )
    def test_sentence_compares_at_the_same_labels(self, rival: Point, expected: str) -> None:
        assert expected in plain(drawn(learning_curve([FIRST, THIRD], [rival])).sentence)

    def test_random_is_a_dashed_line_with_its_own_rows(self) -> None:
        chart = drawn(learning_curve([FIRST, THIRD], [SECOND]))
        assert trace(chart, "random")["line"]["dash"] == "dash"
        assert chart.figure["layout"]["showlegend"] is True
        assert [row[0] for row in chart.rows] == ["test set", "test set", "random"]


class TestUncertaintyHistogram:
    def chart(self, unknown: int = 3, selected: tuple[float | None, ...] = (0.9, 0.7, 0.8)) -> Chart:
        return drawn(
            uncertainty_histogram([1000, 500, 47], [0.0, 0.4, 0.7, 1.0], selected, "Entropy", 2, 1547, unknown)
        )

    def test_title_sets_the_batch_against_the_pool(self) -> None:
        assert self.chart().title == "The batch scores 0.70 to 0.90, half of the pool is below 0.31"

    def test_sentence_counts_what_was_scored_and_picked(self) -> None:
        assert plain(self.chart().sentence) == (
            "Round 2: 3 of 1 547 scored tasks were picked by entropy, the middle one at 0.80; half of the pool is "
            "below 0.31. 3 tasks have no score and are not in the picture."
        )

    def test_one_unknown_task_is_singular_and_none_is_not_said(self) -> None:
        assert "1 task has no score and is not in the picture." in self.chart(unknown=1).sentence
        assert "no score" not in self.chart(unknown=0).sentence

    def test_scores_that_are_unknown_leave_no_mark(self) -> None:
        marks = trace(self.chart(selected=(0.9, None, float("nan"))), "selected")
        assert list(marks["x"]) == [0.9]

    def test_no_batch_yet(self) -> None:
        chart = self.chart(selected=())
        assert chart.title == "Half of the pool is below 0.31"
        assert "0 of 1 547 scored tasks were picked" in plain(chart.sentence)
        assert roles(chart) == ["quiet"]
        assert chart.figure["layout"]["xaxis"]["anchor"] == "y", "the browser cannot place an axis without a mark"

    def test_bars_fill_the_space_between_the_edges(self) -> None:
        bars = trace(self.chart(), "quiet")
        assert list(bars["y"]) == [1000, 500, 47]
        assert list(bars["x"]) == pytest.approx([0.2, 0.55, 0.85])
        assert list(bars["width"]) == pytest.approx([0.4, 0.3, 0.3])

    def test_table_counts_the_batch_in_each_bar_and_the_last_holds_its_edge(self) -> None:
        rows = self.chart(selected=(0.1, 0.4, 0.7, 1.0)).rows
        assert [row[3] for row in rows] == ["1", "1", "2"]

    def test_edges_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(ValueError, match="2 bars need 3 edges, not 2"):
            uncertainty_histogram([1, 2], [0, 1], [], "entropy", 1, 3, 0)


class TestUncertaintyRidges:
    EDGES = (0.0, 0.5, 1.0)

    def rounds(self, *counts: tuple[int, int]) -> list[Histogram]:
        return [Histogram(place, list(pair), list(self.EDGES)) for place, pair in enumerate(counts, start=1)]

    @pytest.mark.parametrize(
        ("counts", "expected"),
        [
            ([(10, 10), (20, 0)], "Half of the pool scores below 0.25 in round 2, below 0.50 in round 1"),
            ([(20, 0), (10, 10)], "Half of the pool scores below 0.50 in round 2, below 0.25 in round 1"),
            ([(10, 10), (5, 5)], "Half of the pool scores below 0.50 in round 2, as in round 1"),
            ([(10, 10)], "In round 1 half of the pool scores below 0.50"),
        ],
    )
    def test_title_says_where_the_middle_went(self, counts: list[tuple[int, int]], expected: str) -> None:
        assert drawn(uncertainty_ridges(self.rounds(*counts))).title == expected

    def test_only_the_newest_has_the_accent_and_lies_at_the_bottom(self) -> None:
        chart = drawn(uncertainty_ridges(reversed(self.rounds((3, 1), (2, 2), (1, 3)))))
        assert roles(chart) == ["quiet", "quiet", "accent"]
        assert [min(trace["y"]) for trace in chart.figure["data"]] == [2, 1, 0]
        assert list(chart.figure["layout"]["yaxis"]["ticktext"]) == ["Round 3", "Round 2", "Round 1"]

    def test_ridges_are_shares_so_that_a_shrinking_pool_does_not_shrink_them(self) -> None:
        big, small = drawn(uncertainty_ridges(self.rounds((400, 100), (4, 1)))).figure["data"]
        assert [y - 1 for y in big["y"]] == pytest.approx(list(small["y"]))

    def test_many_rounds_are_all_in_the_table_and_the_last_in_the_picture(self) -> None:
        chart = drawn(uncertainty_ridges(self.rounds(*[(3, 1)] * (RIDGES_SHOWN + 3))))
        assert len(chart.figure["data"]) == RIDGES_SHOWN
        assert len(chart.rows) == RIDGES_SHOWN + 3
        assert f"The picture shows the last {RIDGES_SHOWN} of {RIDGES_SHOWN + 3} rounds." in chart.sentence

    def test_sentence_warns_that_sure_is_not_right(self) -> None:
        sentence = plain(drawn(uncertainty_ridges(self.rounds((1000, 600)))).sentence)
        assert sentence.startswith("Round 1 scored 1 600 tasks;")
        assert "not that it is right" in sentence
