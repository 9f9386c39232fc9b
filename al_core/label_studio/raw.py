"""What Label Studio answers, as values of ours."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from al_core.redaction import Redaction
from al_core.types import Backend, Prediction, Project, TaskState, Webhook

_STATES = {"CO": "connected", "DI": "disconnected", "ER": "error", "TR": "training", "PR": "predicting"}

_SHORTENED = Redaction()


def project(raw: Mapping[str, Any]) -> Project:
    return Project(
        id=int(raw["id"]),
        title=raw["title"] or f"Project {raw['id']}",
        label_config=raw["label_config"] or "",
        task_count=raw.get("task_number") or 0,
        labeled_count=raw.get("num_tasks_with_annotations") or 0,
        created_at=datetime.fromisoformat(raw["created_at"]),
    )


def backend(raw: Mapping[str, Any]) -> Backend:
    return Backend(
        id=int(raw["id"]),
        title=raw.get("title") or f"Backend {raw['id']}",
        url=raw["url"],
        state=_STATES.get(raw.get("state", ""), "unknown"),
        model_version=raw.get("model_version") or "",
        error=_SHORTENED(str(raw.get("error_message") or "")),
    )


def webhook(raw: Mapping[str, Any]) -> Webhook:
    return Webhook(
        id=int(raw["id"]),
        url=raw["url"],
        is_active=bool(raw.get("is_active")),
        for_all_actions=bool(raw.get("send_for_all_actions")),
    )


def task_state(raw: Mapping[str, Any]) -> TaskState:
    return TaskState(
        task_id=int(raw["id"]),
        labeled=bool(raw["is_labeled"]),
        skipped=not raw["is_labeled"] and bool(raw.get("cancelled_annotations")),
        updated_at=datetime.fromisoformat(raw["updated_at"]),
    )


def prediction(raw: Mapping[str, Any], task_id: int) -> Prediction:
    return Prediction(
        task_id=int(task_id),
        result=raw["result"] or [],
        score=raw["score"],
        model_version=raw["model_version"] or "",
    )
