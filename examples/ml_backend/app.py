"""The routes that Label Studio and TrustAI call."""

import hmac
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, Unauthorized

from .call_back import checked
from .errors import Refused
from .label_config import LabelConfig, parse
from .label_studio import LabelStudio
from .model import read_inputs
from .store import Project, Store
from .training import UNTRAINED, Lesson, Trainer

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 512_000_000


@dataclass(frozen=True)
class Options:
    """How this backend runs; the delays and the missing routes are for demos and tests."""

    data_dir: Path
    basic_auth: str = ""
    label_studio: LabelStudio = field(default_factory=LabelStudio)
    train_delay: float = 0.0
    predict_delay: float = 0.0
    with_train: bool = True
    with_webhook: bool = True


def create_app(options: Options) -> Flask:
    """Build the application."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]  # labels stay in the order of the configuration
    store = Store(options.data_dir)
    trainer = Trainer(store, options.train_delay)

    @app.before_request
    def check_password() -> None:
        if not options.basic_auth or request.path == "/health":
            return
        given = request.authorization
        pair = f"{given.username}:{given.password}" if given and given.type == "basic" else ""
        if not hmac.compare_digest(pair.encode(), options.basic_auth.encode()):
            raise Unauthorized("Wrong user or password.")

    @app.get("/health")
    def health() -> ResponseReturnValue:
        return jsonify(status="UP", model_class="LogisticRegression")

    @app.post("/setup")
    def setup() -> ResponseReturnValue:
        body = _body()
        key = _project_key(body.get("project"))
        changes = {"label_config": _text(body, "schema") or store.project(key).label_config}
        parse(changes["label_config"])
        url, token = _text(body, "hostname").rstrip("/"), _text(body, "access_token")
        if url and token:
            # Only ever as a pair: a token must not go to another server than the one that gave it.
            changes |= {"url": url, "token": token}
        store.update_project(key, **changes)
        return jsonify(model_version=trainer.status(key)["model_version"])

    @app.post("/predict")
    def predict() -> ResponseReturnValue:
        body = _body()
        key = _project_key(body.get("project"))
        tasks = _tasks(body, "tasks")
        config = _label_config(body, store.project(key))
        time.sleep(options.predict_delay * len(tasks))
        model = store.model(key)
        version = model.version if model else UNTRAINED
        results = [{"result": [], "score": 0.0, "model_version": version} for _ in tasks]
        if model and model.data_type == config.data_type:
            inputs = read_inputs(tasks, config, source_of(key))
            readable = [(position, value) for position, value in enumerate(inputs) if value is not None]
            answers = model.probabilities([value for _, value in readable], config.labels)
            for (position, _), probabilities in zip(readable, answers, strict=True):
                if probabilities:
                    results[position] |= _prediction(config, probabilities)
        return jsonify(results=results, model_version=version)

    def train() -> ResponseReturnValue:
        body = _body()
        key = _project_key(body.get("project"))
        tasks = _tasks(body, "annotations")
        if not tasks:
            raise Refused("No annotations found: send the labelled tasks in 'annotations'.")
        config = _label_config(body, store.project(key))
        call_back_url = checked(body.get("callback_url"))
        project = remember(key, body, body)
        lesson = Lesson(config, source_of(key), project.holdout, tasks, call_back_url)
        job, started = trainer.start(key, lesson)
        return jsonify(status="training_started" if started else "already_training", job=job)

    def webhook() -> ResponseReturnValue:
        body = _body()
        if body.get("action") != "START_TRAINING":
            return jsonify(status="ignored")
        described = body.get("project")
        if not isinstance(described, dict):
            raise Refused("'project' must be an object with an 'id'.")
        key = _project_key(described.get("id"))
        config = _label_config(described, store.project(key))
        source = source_of(key)
        if not source.token:
            raise Refused("Label Studio has not told this backend its address and token: connect it again.")
        call_back_url = checked(body.get("callback_url"))
        project = remember(key, body, described)
        lesson = Lesson(config, source, project.holdout, call_back_url=call_back_url)
        job, started = trainer.start(key, lesson)
        answer = jsonify(status="training_started" if started else "already_training", job=job)
        return answer, 201 if started else 200

    @app.get("/is_training")
    def is_training() -> ResponseReturnValue:
        return jsonify(trainer.status(_project_key(request.args.get("project")), request.args.get("job", "")))

    def source_of(key: str) -> LabelStudio:
        """Prefer the address and token of the command line to those of /setup."""
        return options.label_studio if options.label_studio.token else store.project(key).label_studio

    def remember(key: str, body: dict[str, Any], described: dict[str, Any]) -> Project:
        """Keep the newest labelling configuration, and the newest test set where the caller names one."""
        changes: dict[str, Any] = {}
        if described.get("label_config"):
            changes["label_config"] = described["label_config"]
        if body.get("holdout_task_ids") is not None:
            changes["holdout"] = _holdout(body["holdout_task_ids"])
        return store.update_project(key, **changes)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> ResponseReturnValue:
        return jsonify(error=str(error)), 400

    @app.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException):
            headers = {"WWW-Authenticate": 'Basic realm="ML backend"'} if error.code == 401 else {}
            return jsonify(error=error.description), error.code or 500, headers
        log.exception("%s %s failed", request.method, request.path)
        return jsonify(error="The backend failed; see its log."), 500

    if options.with_train:
        app.post("/train")(train)
    if options.with_webhook:
        app.post("/webhook")(webhook)
    return app


def _prediction(config: LabelConfig, probabilities: dict[str, float]) -> dict[str, Any]:
    """Answer the likeliest label, with the probability of every label beside it."""
    label = max(probabilities, key=lambda each: probabilities[each])
    region = {
        "from_name": config.from_name,
        "to_name": config.to_name,
        "type": "choices",
        "value": {"choices": [label]},
        "score": probabilities[label],
        "probabilities": probabilities,
    }
    return {"result": [region], "score": probabilities[label]}


def _body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refused("The body must be a JSON object.")
    return body


def _project_key(value: object) -> str:
    """Label Studio writes "1.1795465490", its id and the second it was made in; the id alone is the key."""
    key = str(value).partition(".")[0]
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise Refused("'project' must be the id of a Label Studio project.")
    return key


def _tasks(body: dict[str, Any], field: str) -> list[dict[str, Any]]:
    tasks = body.get(field)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise Refused(f"'{field}' must be a list of tasks.")
    return tasks


def _label_config(body: dict[str, Any], project: Project) -> LabelConfig:
    """Read the labelling configuration that came along, or the last one that did."""
    return parse(_text(body, "label_config") or project.label_config)


def _text(body: dict[str, Any], field: str) -> str:
    text = body.get(field) or ""
    if not isinstance(text, str):
        raise Refused(f"'{field}' must be a text.")
    return text


def _holdout(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(each) is int for each in value):
        raise Refused("'holdout_task_ids' must be a list of task ids.")
    return tuple(value)
