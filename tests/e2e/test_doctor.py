"""A project that asks for several things, with predictions that tell too little: what the pages make of it."""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_loop import WORK, batch_of, view_of
from tests.real_stack import LabelStudioServer, Site

pytestmark = [pytest.mark.e2e, pytest.mark.live, pytest.mark.timeout(300)]

MOODS = ("calm", "angry", "joyful", "undecided")
TOPICS = ("politics", "sport", "culture")
LABEL_CONFIG = f"""<View>
  <Text name="letter" value="$text"/>
  <Choices name="mood" toName="letter">{"".join(f'<Choice value="{mood}"/>' for mood in MOODS)}</Choices>
  <Choices name="topics" toName="letter" choice="multiple">
    {"".join(f'<Choice value="{topic}"/>' for topic in TOPICS)}
  </Choices>
  <Labels name="names" toName="letter"><Label value="person"/><Label value="place"/></Labels>
</View>"""
WORDS = ("the", "tram", "line", "market", "school", "council", "mayor", "paper", "street", "concert", "match", "price")


def letters(count: int) -> list[dict[str, Any]]:
    """Letters with what a model said of them: the mood with its top probability alone, the topics in full."""
    chance = random.Random(4)
    return [_letter(chance, number) for number in range(count)]


def _letter(chance: random.Random, number: int) -> dict[str, Any]:
    text = f"Dear editor, {' '.join(chance.choices(WORDS, k=12))}. Letter {number}"
    if number % 20 == 0:
        return {"data": {"text": text}}  # of these the model said nothing
    score = chance.uniform(0.3, 0.98)
    topics = {topic: chance.random() for topic in TOPICS}
    likely = [topic for topic, p in topics.items() if p >= 0.5]
    mood = _region("mood", "choices", {"choices": [chance.choice(MOODS)]}, score=score)
    topic = _region("topics", "choices", {"choices": likely}, score=max(topics.values()), probabilities=topics)
    name = {"start": 5, "end": 11, "text": "editor", "labels": [chance.choice(("person", "place"))]}
    result = [mood, topic, _region("names", "labels", name, score=chance.uniform(0.4, 0.99))]
    return {"data": {"text": text}, "predictions": [{"model_version": "v3", "score": score, "result": result}]}


def _region(control: str, kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"from_name": control, "to_name": "letter", "type": kind, "value": value, **more}


def test_from_several_controls_to_a_batch_within_bounds(
    lead_page: Page,
    look: Callable[[Page, str], None],
    site: Site,
    label_studio: LabelStudioServer,
    add_connection: Callable[[str, str, str], None],
) -> None:
    page, api = lead_page, label_studio.api
    api.create_project("Letters", LABEL_CONFIG, letters(120))
    add_connection("Team server", label_studio.url, label_studio.token)

    # The project page lists what is asked, and the form lets one of it count.
    page.goto(f"{site.url}/connections/")
    page.get_by_role("link", name="Team server").click()
    page.get_by_role("link", name="Letters", exact=True).click()
    expect(page.get_by_text("any of 3 for each text: politics, sport, culture")).to_be_visible()
    page.get_by_label("What counts").select_option("mood (Choices, one of 4)")
    page.get_by_label("Start size").fill("0")
    page.get_by_label("Test size").fill("0")
    page.get_by_label("Batch size").fill("8")
    page.get_by_text("More settings").click()
    page.get_by_label("Share drawn at random").fill("25")
    look(page, "project-several")
    if folder := os.environ.get("PICTURES_DIR"):
        page.evaluate("scrollTo(0, 0)")
        box = page.locator("details.more").bounding_box()
        assert box
        around = {"x": box["x"] - 16, "y": box["y"], "width": box["width"] + 32, "height": box["height"] + 16}
        page.screenshot(path=f"{folder}/settings-more.png", full_page=True, clip=around)  # type: ignore[arg-type]
    page.get_by_role("button", name="Start the campaign").click()
    page.wait_for_url("**/campaigns/*/")
    campaign = page.url

    # The doctor says what the numbers are good for.
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("link", name="Examine the numbers").click()
    page.get_by_role("button", name="Examine 50 tasks").click()
    mood = page.get_by_role("region", name="Strategies for mood")
    expect(mood).to_be_visible(timeout=WORK)
    expect(mood.get_by_role("row").filter(has_text="Least confidence")).to_contain_text("Exact")
    expect(mood.get_by_role("row").filter(has_text="Margin")).to_contain_text("Bounds only")
    topics = page.get_by_role("region", name="Strategies for topics")
    expect(topics.get_by_role("row").filter(has_text="Margin")).to_contain_text("Exact")
    look(page, "doctor")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == page.locator("pre code").first.inner_text().strip()
    assert '"from_name": "mood"' in copied

    # A round ranks by the bounds and says so; a quarter of the batch is drawn at random.
    page.goto(campaign)
    page.get_by_role("button", name="Start round 1").click()
    expect(page.get_by_role("button", name="Publish 8 tasks")).to_be_visible(timeout=WORK)
    expect(
        page.get_by_text("114 of 120 tasks have only bounds; they are ranked by the least they can be.")
    ).to_be_visible()
    batch = page.get_by_role("region", name="Recommended batch")
    expect(batch.get_by_text("at random", exact=True)).to_have_count(2)
    expect(batch.get_by_text("≥").first).to_be_visible()
    look(page, "round-bounds")
    asked = batch_of(page)
    page.get_by_role("button", name="Publish 8 tasks").click()
    expect(page.get_by_text("Open for labelling")).to_be_visible(timeout=WORK)
    for task in api.tab_tasks(view_of(page)):
        api.annotate(task["id"], "calm", "mood", "letter")
    expect(page.get_by_text("8 labelled")).to_be_visible()
    assert len(set(asked)) == 8

    # Without a backend the round ends here.
    page.get_by_role("button", name="Finish the round").click()
    page.get_by_role("dialog").get_by_role("button", name="Finish the round").click()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
