"""The Python of docs/al_core.md runs on a real Label Studio, and prints what the page says."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from al_core.label_studio import LabelStudio
from examples.digits.data import true_label
from tests.real_stack import LabelStudioServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

PAGE = Path(__file__).parents[2] / "docs" / "al_core.md"
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```$(?:\n^```text\n(?P<output>.*?)^```$)?", re.M | re.S)


def blocks() -> list[tuple[str, str]]:
    """Each piece of code with what the page says it prints."""
    return [(found["code"], found["output"] or "") for found in BLOCK.finditer(PAGE.read_text())]


def without_findings(printed: str) -> str:
    """What is printed, without what differs from server to server and from one library's release to the next."""
    return re.sub(r"[\w.]+@[\w.]+|\d+(\.\d*)?", "#", printed).strip()


def test_every_block_of_code_is_found() -> None:
    assert len(blocks()) == PAGE.read_text().count("```python") > 5


def test_the_page_runs(
    client: LabelStudio,
    label_studio: LabelStudioServer,
    make_project: Callable[..., int],
    backend_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project_id = make_project(300, backend=backend_url)
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("TOKEN", label_studio.token)
    monkeypatch.setenv("PROJECT_ID", str(project_id))
    monkeypatch.setenv("BACKEND_URL", backend_url)

    names: dict[str, object] = {}

    def label_the_tab(prompt: str) -> str:
        """What the reader does where the page waits for Enter."""
        for task in label_studio.api.tab_tasks(names["published"].view_id):  # type: ignore[attr-defined]
            label_studio.api.annotate(task["id"], true_label(task["data"]))
        return ""

    names["input"] = label_the_tab
    for number, (code, expected) in enumerate(blocks(), start=1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"{PAGE.name}, block {number}", "exec"), names)
        print(f"--- block {number}\n{printed.getvalue()}")
        assert without_findings(printed.getvalue()) == without_findings(expected), f"block {number} of {PAGE.name}"
    assert len(names["evaluation"].answers) == 40  # type: ignore[attr-defined]
    assert client.task_data(project_id, names["test_ids"])  # type: ignore[arg-type]
