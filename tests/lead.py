"""A lead who uses the site without a browser: pages are read, and their forms are sent."""

import re
import time
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

import httpx


@dataclass
class Form:
    """A form of a page, with what it holds."""

    action: str
    values: dict[str, str | list[str]] = field(default_factory=dict)


class Forms(HTMLParser):
    """Finds the forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""
        self._text: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.found.append(Form(given.get("action") or ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self._keep(self._select, value)
        elif tag == "textarea":
            self._text = name
        elif tag == "input" and name and self._counts(given):
            self._keep(name, value or ("on" if given.get("type") == "checkbox" else ""))

    def handle_data(self, data: str) -> None:
        if self._text:
            self._keep(self._text, data)
            self._text = None

    def _counts(self, given: dict[str, str | None]) -> bool:
        return given.get("type") not in ("checkbox", "radio") or "checked" in given

    def _keep(self, name: str, value: str) -> None:
        if self.found:
            self.found[-1].values[name] = value


class Lead:
    """Somebody with an account on the site.

    Parameters
    ----------
    url : str
        Of a site that has no account yet.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, follow_redirects=True, timeout=60, headers={"Referer": url})
        self.send("/setup/", username="alice", password1="correct horse battery", password2="correct horse battery")

    def close(self) -> None:
        self._http.close()

    def read(self, path: str) -> str:
        """A page, as it is written."""
        return self._http.get(path).raise_for_status().text

    def send(self, path: str, action: str = "", **values: object) -> httpx.Response:
        """Fill in and send the form of a page that leads to an address, or to the page itself."""
        return self.submit(self.form(path, action), **values)

    def form(self, path: str, action: str = "") -> Form:
        """The form of a page that leads to an address, or to the page itself, as it is before anybody fills it in."""
        forms = Forms(self.read(path)).found
        form = next((f for f in forms if f.action == action and "csrfmiddlewaretoken" in f.values), None)
        assert form, f"{path} has no form to {action or path}, but to {[f.action for f in forms]}"
        return Form(action or path, form.values)

    def submit(self, form: Form, **values: object) -> httpx.Response:
        """Send a form, which may be a page's of a while ago."""
        data = form.values | {name: str(value) for name, value in values.items()}
        return self._http.post(form.action, data=data).raise_for_status()

    def connect(self, name: str, url: str, token: str) -> int:
        """Connect a Label Studio; its number on the site."""
        answer = self.send("/connections/new/", name=name, url=url, token=token)
        return number_in(answer, "connections")

    def start_campaign(self, connection: int, project_id: int, **settings: object) -> int:
        answer = self.send(f"/connections/{connection}/projects/{project_id}/", **settings)
        return number_in(answer, "campaigns")

    def start_round(self, campaign: int) -> "RoundPage":
        answer = self.send(f"/campaigns/{campaign}/", f"/campaigns/{campaign}/rounds/")
        return RoundPage(self, number_in(answer, "rounds"))


def number_in(answer: httpx.Response, noun: str) -> int:
    found = re.search(rf"/{noun}/(\d+)/$", answer.url.path)
    assert found, f"This led to {answer.url}: {text_of(answer.text)[:2000]}"
    return int(found[1])


def text_of(page: str) -> str:
    """What a page says, without its tags."""
    page = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", page)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


@dataclass(frozen=True)
class RoundPage:
    """The page of one round."""

    lead: Lead
    number: int

    @property
    def path(self) -> str:
        return f"/rounds/{self.number}/"

    @property
    def text(self) -> str:
        return text_of(self.lead.read(self.path))

    @property
    def batch(self) -> list[int]:
        """Ids of the tasks of the batch, in the order of their ranks."""
        return [int(found) for found in re.findall(r'data-task-id="(\d+)"', self.lead.read(self.path))]

    @property
    def view_id(self) -> int:
        """The number of the tab in Label Studio."""
        found = re.search(r"tab=(\d+)", self.lead.read(self.path))
        assert found
        return int(found[1])

    def press(self, what: str, **values: object) -> str:
        """A button of the page: ``score``, ``publish``, ``resume``, ``finish``, …; what is said then."""
        return text_of(self.lead.send(self.path, f"{self.path}{what}/", **values).text)

    def wait_for(self, words: str, seconds: float = 60) -> str:
        """The first text of the page that matches a pattern."""
        ends = time.monotonic() + seconds
        while not re.search(words, text := self.text):
            assert time.monotonic() < ends, f"{words!r} did not come up in {seconds} s. The page says: {text}"
            time.sleep(0.2)
        return text
