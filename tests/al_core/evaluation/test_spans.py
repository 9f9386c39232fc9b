"""Measures of answers that are spans."""

from dataclasses import replace

import pytest

from al_core.evaluation import evaluate
from al_core.evaluation.spans import spans_of
from al_core.types import LabelSpace
from tests.al_core.evaluation.results import SPANS, span


def measured(truth, said, space=SPANS):
    return evaluate(dict(enumerate(truth)), dict(enumerate(said)), space, model_version="v1")


def values(evaluation):
    return {metric.name: pytest.approx(metric.value) for metric in evaluation.metrics}


def test_exact_spans_have_the_class_and_both_ends():
    truth = [[span("PER", 0, 4), span("ORG", 10, 14)], [span("PER", 3, 9)]]
    said = [[span("PER", 0, 4), span("PER", 10, 14)], [span("PER", 3, 8), span("ORG", 20, 22)]]
    found = measured(truth, said)
    assert [metric.name for metric in found.metrics] == ["span_f1", "overlap_f1"]
    assert values(found) == {"span_f1": 2 / 7, "overlap_f1": 4 / 7}
    assert all(0 <= metric.low <= metric.value <= metric.high <= 1 for metric in found.metrics)
    person, organization = found.classes
    assert (person.support, organization.support) == (2, 1)
    assert (person.precision.value, person.recall.value, person.f1.value) == pytest.approx((1 / 3, 1 / 2, 2 / 5))
    assert (organization.precision.value, organization.recall.value) == (0, 0)


def test_one_span_makes_one_right():
    found = measured([[span("PER", 0, 9)]], [[span("PER", 0, 4), span("PER", 5, 9)]])
    assert values(found) == {"span_f1": 0, "overlap_f1": 2 / 3}
    # The wide one takes what is left by the narrow one.
    crossed = measured([[span("PER", 0, 5), span("PER", 6, 9)]], [[span("PER", 0, 9), span("PER", 0, 3)]])
    assert values(crossed) == {"span_f1": 0, "overlap_f1": 1}
    twice = measured([[span("PER", 0, 4)]], [[span("PER", 0, 4), span("PER", 0, 4)]])
    assert values(twice)["span_f1"] == 2 / 3


def test_spans_that_touch_do_not_overlap():
    assert values(measured([[span("PER", 0, 4)]], [[span("PER", 4, 8)]]))["overlap_f1"] == 0


def test_whole_answers_are_right_or_wrong():
    truth = [[span("PER", 0, 4), span("ORG", 5, 9)], [span("PER", 0, 4)], [], [], [span("PER", 0, 4)]]
    said = [[span("ORG", 5, 9), span("PER", 0, 4)], [span("PER", 0, 5)], [], [span("PER", 0, 1)]]
    found = measured(truth, said)
    assert [answer.is_right for answer in found.answers] == [True, False, True, False, False]
    assert found.answers[0].truth == "2 regions: PER × 1, ORG × 1"
    assert (found.answers[2].truth, found.answers[2].predicted) == ("no region", "no region")
    assert found.answers[4].predicted is None
    assert found.unanswered == 1
    assert found.answers[0].confidence is None


def test_nothing_marked_by_anybody_says_nothing():
    metric = measured([[], []], [[], []]).headline
    assert (metric.value, metric.low, metric.high) == (1, 0, 1)


def test_a_dialogue_a_web_page_and_a_timeline():
    dialogue = replace(SPANS, tag="ParagraphLabels", data_type="paragraphs")
    value = {"start": "1", "end": "2", "startOffset": 3, "endOffset": 5, "paragraphlabels": ["PER"]}
    (turn,) = spans_of([{"from_name": "names", "value": value}], dialogue)
    assert (turn.start, turn.end) == ((1, 3), (2, 5))
    page = replace(SPANS, tag="HyperTextLabels", data_type="hypertext")
    path = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 2, "endOffset": 8}
    (in_element,) = spans_of([{"from_name": "names", "value": {**path, "hypertextlabels": ["ORG"]}}], page)
    assert (in_element.place, in_element.start, in_element.end) == ("/p[1]/text()[1]", (2,), (8,))
    whole = {**path, "globalOffsets": {"start": 12, "end": 18}, "hypertextlabels": ["ORG"]}
    (in_page,) = spans_of([{"from_name": "names", "value": whole}], page)
    assert (in_page.place, in_page.start, in_page.end) == ("", (12,), (18,))
    video = replace(SPANS, tag="TimelineLabels", data_type="video")
    ranges = {"ranges": [{"start": 1, "end": 5}, {"start": 9, "end": 12}], "timelinelabels": ["PER"]}
    assert [one.end for one in spans_of([{"from_name": "names", "value": ranges}], video)] == [(5,), (12,)]


def test_what_is_no_span_is_passed_over():
    broken = [
        span("PER", None, 4),
        span("PER", True, 4),
        span(7, 0, 4),
        {"from_name": "names", "value": "text"},
        {"from_name": "other", "value": {"start": 0, "end": 4, "labels": ["PER"]}},
        "text",
        {"from_name": "names", "value": {"ranges": ["x"], "labels": ["PER"]}},
    ]
    assert spans_of(broken, SPANS) == []
    assert spans_of("text", SPANS) == []


def test_of_sounds_and_series_overlap_stands_for_the_model():
    series = LabelSpace("names", "words", ("PER",), "csv", "timeseries", "TimeSeriesLabels", "regions")
    days = [
        {"from_name": "names", "value": {"start": start, "end": end, "timeserieslabels": ["PER"]}}
        for start, end in (("2020-01-01", "2020-01-04"), ("2020-01-03", "2020-01-06"))
    ]
    found = measured([days[:1]], [days[1:]], series)
    assert [metric.name for metric in found.metrics] == ["overlap_f1", "span_f1"]
    assert [metric.value for metric in found.metrics] == [1, 0]
    assert found.classes[0].f1.value == 1
    mixed = [{"from_name": "names", "value": {"start": 1.0, "end": 2.0, "timeserieslabels": ["PER"]}}]
    assert measured([days], [mixed], series).headline.value == 0
