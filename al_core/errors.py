"""The errors that ``al_core`` raises on purpose: each says what happened and what to do next."""


class ActiveLearningError(Exception):
    """Base of all expected failures.

    Parameters
    ----------
    message : str
        What happened, in a sentence fit for a user. Never holds a token, a header or a body.
    hint : str
        What to do next; empty where the message says it all.
    """

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(ActiveLearningError, ValueError):
    """An argument is out of its range or has the wrong shape."""

    code = "invalid_input"


class Cancelled(ActiveLearningError):
    """The caller asked for the work to stop; raised by a progress call-back."""

    code = "cancelled"


class ServerUnreachable(ActiveLearningError):
    """A server did not answer: refused, unknown host, time-out, cut off, or a 5xx answer. Trying again may help.

    Parameters
    ----------
    retry_after : float, optional
        Seconds that the server asks us to wait before we try again.
    """

    code = "unreachable"

    def __init__(self, message: str, hint: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class BackendFailed(ActiveLearningError):
    """An ML backend is there, but gave nothing usable for these tasks. Fewer of them at once may help."""

    code = "backend_failed"


class UnexpectedAnswer(ActiveLearningError):
    """A server answered with something that is not what this client asked for."""

    code = "unexpected_answer"


class AccessRefused(ActiveLearningError):
    """The token is wrong, expired or not allowed to do this."""

    code = "access_refused"


class NotFound(ActiveLearningError):
    """The project, task or tab does not exist there, or not any more."""

    code = "not_found"


class UnsupportedProject(ActiveLearningError):
    """The labelling configuration has no control that this version can score."""

    code = "unsupported_project"


class EmptyPool(ActiveLearningError):
    """There is no unlabelled task left to ask about."""

    code = "empty_pool"


class NoPredictions(ActiveLearningError):
    """No task of the pool has class probabilities, so nothing can be ranked."""

    code = "no_predictions"


class NoLabels(ActiveLearningError):
    """There is nothing to train on or to measure with."""

    code = "no_labels"


class TrainEndpointMissing(ActiveLearningError):
    """The backend has neither ``/train`` nor ``/webhook``."""

    code = "train_endpoint_missing"


class TrainingFailed(ActiveLearningError):
    """The backend started, but no new model version came of it."""

    code = "training_failed"
