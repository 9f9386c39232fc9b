"""Backends as they are in the field: each mode of this one deals with a training in a way of its own.

It has no model: what it predicts is drawn from its version and the id of a task, so that another version answers
otherwise. It needs no Label Studio either.
"""

import argparse
import os
import random
import threading
import time
from typing import Any

import httpx
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

LABELS = [str(digit) for digit in range(10)]

IDLE = "idle"
"""Answers 200 to /train, and that is all it does."""
DIES = "dies"
"""The process ends in the middle of a training."""
FAILS = "fails"
"""Cannot train, and says why to the call-back address alone."""
SLOW = "slow"
"""Trains inside the request to /train, and has no /is_training."""
SAME = "same"
"""Says that it trained, and has the version and the answers of before."""
WEBHOOK = "webhook"
"""Has no /train and no /is_training: START_TRAINING at /webhook trains inside the request."""
BACKGROUND = "background"
"""Answers at once, trains in the background, and says so at /is_training."""


class Misbehaving:
    """One backend.

    Parameters
    ----------
    mode : str
        One of the above.
    seconds : float
        How long it trains.
    """

    def __init__(self, mode: str, seconds: float) -> None:
        self.mode = mode
        self.seconds = seconds
        self.version = 1
        self.running = False
        self.trainings = 0

    def train(self, callback_url: str = "") -> None:
        """Take the time of a training, and end it as the mode does."""
        self.running = True
        time.sleep(self.seconds)
        if self.mode == DIES:
            os._exit(1)
        if self.mode == FAILS:
            httpx.post(callback_url, json={"status": "failed", "error": "CUDA out of memory: tried to allocate 20 GiB"})
        elif self.mode != SAME:
            self.version += 1
        self.trainings += 1
        self.running = False

    def predict(self, task_id: int) -> dict[str, Any]:
        draw = random.Random(f"{self.version} {task_id}")
        weights = [draw.random() ** 3 + 1e-3 for _ in LABELS]
        probabilities = {label: weight / sum(weights) for label, weight in zip(LABELS, weights, strict=True)}
        label = max(probabilities, key=probabilities.__getitem__)
        region = {
            "from_name": "digit",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": [label]},
            "score": probabilities[label],
            "probabilities": probabilities,
        }
        return {"result": [region], "score": probabilities[label], "model_version": f"model-{self.version}"}


def create_app(backend: Misbehaving) -> Flask:
    app = Flask(__name__)

    @app.get("/health")
    def health() -> ResponseReturnValue:
        return jsonify(status="UP")

    @app.post("/setup")
    def setup() -> ResponseReturnValue:
        return jsonify(model_version=f"model-{backend.version}")

    @app.post("/predict")
    def predict() -> ResponseReturnValue:
        return jsonify(results=[backend.predict(task["id"]) for task in request.json["tasks"]])

    def train() -> ResponseReturnValue:
        if backend.mode == SLOW:
            backend.train()
            return jsonify(status="trained"), 201
        if backend.mode != IDLE:
            called_back = request.json.get("callback_url", "")
            threading.Thread(target=backend.train, args=(called_back,), daemon=True).start()
        return jsonify(status="training_started")

    def is_training() -> ResponseReturnValue:
        return jsonify(is_training=backend.running, model_version=f"model-{backend.version}")

    @app.post("/webhook")
    def webhook() -> ResponseReturnValue:
        if request.json["action"] != "START_TRAINING" or backend.mode != WEBHOOK:
            return jsonify(status="ignored")
        backend.train()
        return jsonify(status="trained"), 201

    @app.get("/trainings")
    def trainings() -> ResponseReturnValue:
        """For the tests alone: how many trainings came to their end."""
        return jsonify(count=backend.trainings)

    if backend.mode != WEBHOOK:
        app.post("/train")(train)
    if backend.mode in (SAME, BACKGROUND):
        app.get("/is_training")(is_training)
    return app


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0)
    arguments = parser.parse_args()
    app = create_app(Misbehaving(arguments.mode, arguments.seconds))
    make_server("127.0.0.1", arguments.port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
