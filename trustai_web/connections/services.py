"""Writes about connections and their ML backends, and the one place that opens a client of either."""

from django.utils import timezone

from al_core.addresses import checked_url
from al_core.errors import ActiveLearningError, InvalidInput
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from trustai_web.accounts.models import User
from trustai_web.connections.models import BackendSettings, Connection


class TokenNeeded(InvalidInput):
    """The saved token is for the saved address: elsewhere it would be given away."""

    code = "token_needed"


def label_studio(connection: Connection, *, patience: float = 0.0) -> LabelStudio:
    """A client of the connection's server, which asks again for so many seconds; close it after use."""
    return LabelStudio(connection.url, connection.token, patience=patience)


def connection_create(*, name: str, url: str, token: str, user: User) -> Connection:
    """Save a connection after it was tested.

    Raises
    ------
    ActiveLearningError
        The test failed; nothing was saved.
    """
    connection = Connection(name=name.strip(), url=url, token=token.strip(), created_by=user)
    _test(connection)
    connection.save()
    return connection


def connection_update(connection: Connection, *, name: str, url: str, token: str) -> Connection:
    """Save a changed connection after it was tested; an empty token keeps the one there is.

    Raises
    ------
    TokenNeeded
        The address changes and the token is empty.
    ActiveLearningError
        The test failed; nothing was changed.
    """
    if not token.strip() and checked_url(url) != connection.url:
        raise TokenNeeded("Enter the token for the new address.", "The saved one is sent to no other server.")
    connection.name, connection.url = name.strip(), url
    connection.token = token.strip() or connection.token
    _test(connection)
    connection.save()
    return connection


def connection_test(connection: Connection) -> Connection:
    """Test a saved connection and keep what came of it."""
    try:
        _test(connection)
    except ActiveLearningError as error:
        connection.error = str(error)
    connection.tested_at = timezone.now()
    connection.save()
    return connection


def _test(connection: Connection) -> None:
    with label_studio(connection) as client:
        server = client.server()
        connection.url = client.url
        connection.token_kind = client.token_kind
    connection.server_version = server.version
    connection.server_user = server.user
    connection.tested_at = timezone.now()
    connection.error = ""


# --------------------------------------------------------------------- ML backends


def ml_backend(connection: Connection, url: str, *, timeout: float = 100.0) -> MLBackend:
    """A client of an ML backend of the connection's server, with its user and password; close it after use.

    Parameters
    ----------
    timeout : float
        Seconds that it may take for an answer; the default is for predictions.
    """
    known = backend_settings(connection, url)
    has_auth = bool(known.username or known.password)
    return MLBackend(url, (known.username, known.password) if has_auth else None, timeout=timeout)


def backend_settings(connection: Connection, url: str) -> BackendSettings:
    """How we speak to a backend; a row that is not saved where nobody has set anything."""
    url = checked_url(url)
    found = BackendSettings.objects.filter(connection=connection, url=url).first()
    return found or BackendSettings(connection=connection, url=url)


def backend_settings_save(
    connection: Connection,
    url: str,
    *,
    username: str,
    password: str,
    train_route: str,
    train_minutes: int | None,
) -> BackendSettings:
    """Save how we speak to a backend.

    Parameters
    ----------
    password : str
        Empty keeps the one there is, as long as the user stays the same; without a user none is kept.
    """
    url = checked_url(url)
    if train_route not in BackendSettings.Route.values:
        raise InvalidInput(f"There is no way of training called {train_route!r}.")
    if train_minutes is not None and train_minutes < 1:
        raise InvalidInput("A training needs at least a minute.", "Leave it empty for the limit of the site.")
    known = backend_settings(connection, url)
    if not password and username.strip() == known.username:
        password = known.password
    saved, _ = BackendSettings.objects.update_or_create(
        connection=connection,
        url=url,
        defaults={
            "username": username.strip(),
            "password": password if username.strip() else "",
            "train_route": train_route,
            "train_minutes": train_minutes,
        },
    )
    return saved
