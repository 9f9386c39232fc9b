"""Asking for a training, by the way that a backend has."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from al_core.errors import NotFound, ServerUnreachable, TrainEndpointMissing
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend, NobodyThere, TrainAnswer
from al_core.training.lesson import Lesson
from al_core.types import Backend, Project, Route

ROUTES: tuple[Route, ...] = ("train", "webhook", "label_studio")
"""In the order in which they are tried: the first tells the backend most."""

_MISSING = re.compile(r"\b40[45] Client Error")
_REFUSED = re.compile(r"\b(4\d\d Client|50[01356789] Server) Error|Max retries exceeded|reserved network")


@dataclass(frozen=True)
class Asked:
    """A request for a training, and its answer."""

    route: Route
    answer: TrainAnswer


@dataclass(frozen=True)
class Asking:
    """One backend of one project, to be asked for a training.

    Parameters
    ----------
    label_studio : LabelStudio
        The server that may ask in our place.
    project : Project
    backend : MLBackend
    """

    label_studio: LabelStudio
    project: Project
    backend: MLBackend

    def ask(self, lesson: Lesson, route: Route | None, call_back_url: str) -> Asked:
        """Ask by one route, or by the first that there is.

        Raises
        ------
        TrainEndpointMissing
            There is none.
        ServerUnreachable
            Nobody is there, and nothing was asked.
        AccessRefused
            The backend wants another user or password, or the token may not train.
        """
        ways: dict[Route, Callable[[], TrainAnswer]] = {
            "train": lambda: self.backend.train(self.project, lesson.tasks, lesson.holdout, call_back_url),
            "webhook": lambda: self.backend.start_training_webhook(self.project, lesson.holdout, call_back_url),
            "label_studio": self._through_label_studio,
        }
        unreachable: ServerUnreachable | None = None
        for each in (route,) if route else ROUTES:
            if unreachable and each != "label_studio":
                continue
            try:
                return Asked(each, ways[each]())
            except NotFound:
                continue
            except NobodyThere as error:
                unreachable = error  # Label Studio may stand nearer to it than we do
        raise unreachable or self._missing(route)

    def connected(self) -> Backend | None:
        """The backend as Label Studio knows it, asked anew; None where it does not."""
        known = self.label_studio.backends(self.project.id)
        return next((each for each in known if each.url.rstrip("/") == self.backend.url), None)

    def _through_label_studio(self) -> TrainAnswer:
        connected = self.connected()
        if connected is None or connected.state == "disconnected":
            raise NotFound("Label Studio does not reach the backend.")
        try:
            self.label_studio.train_backend(connected.id)
        except ServerUnreachable as error:
            return TrainAnswer("unheard", self.backend.redaction(f"Label Studio → no answer. {error.message}"))
        # At once: the next who looks at the backends makes Label Studio forget it.
        now = self.label_studio.backend_state(self.project.id, connected.id)
        if now.state != "error":
            return TrainAnswer("started", "Label Studio → 200, it has asked the backend")
        if _MISSING.search(now.error):
            raise NotFound("The backend has no /webhook for Label Studio.")
        words = self.backend.redaction(f"Label Studio → {now.error}")
        return TrainAnswer("refused" if _REFUSED.search(now.error) else "unheard", words)

    def _missing(self, route: Route | None) -> TrainEndpointMissing:
        if route is None:
            return TrainEndpointMissing(
                f"The ML backend at {self.backend.url} has neither POST /train nor POST /webhook, "
                "so it cannot be trained.",
                "Add a /train endpoint as docs/ml-backend.md shows; your labels are safe in Label Studio.",
            )
        what = (
            f"Label Studio does not reach the ML backend at {self.backend.url}, or it has no POST /webhook."
            if route == "label_studio"
            else f"The ML backend at {self.backend.url} has no POST /{route}."
        )
        return TrainEndpointMissing(what, "Let TrustAI choose another way to train it; your labels are safe.")
