"""A complete ML backend in one file: texts, one choice each.

pip install "flask>=3" httpx scikit-learn
python flask_backend.py --port 9090 --data-dir models
"""

import argparse
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import joblib
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

app = Flask(__name__)
folder = Path("models")
lock = threading.Lock()
trainings: dict[str, dict[str, Any]] = {}  # project → its latest training

UNTRAINED: dict[str, Any] = {"number": 0, "version": "untrained", "pipeline": None}


def project_id(value: object) -> str:
    """Label Studio writes "1.1795465490": its id, and the second the project was made in."""
    return str(int(str(value).split(".")[0]))


def names(label_config: str) -> tuple[str, str, str]:
    """The Choices, the Text it belongs to, and the key of the text in a task."""
    view = ElementTree.fromstring(label_config)
    choices, text = view.find(".//Choices"), view.find(".//Text")
    if choices is None or text is None:
        raise ValueError("This backend wants a labelling configuration with Choices over a Text.")
    return choices.attrib["name"], text.attrib["name"], text.attrib["value"].lstrip("$")


def model_of(project: str) -> dict[str, Any]:
    file = folder / f"{project}.joblib"
    return joblib.load(file) if file.exists() else UNTRAINED


@app.get("/health")
def health() -> ResponseReturnValue:
    return jsonify(status="UP")


@app.post("/setup")
def setup() -> ResponseReturnValue:
    return jsonify(model_version=model_of(project_id(request.json["project"]))["version"])


@app.post("/predict")
def predict() -> ResponseReturnValue:
    body = request.json
    from_name, to_name, key = names(body["label_config"])
    model = model_of(project_id(body["project"]))
    version = model["version"]
    results = [{"result": [], "score": 0.0, "model_version": version} for _ in body["tasks"]]
    if model["pipeline"]:
        texts = [str(task["data"].get(key, "")) for task in body["tasks"]]
        for answer, row in zip(results, model["pipeline"].predict_proba(texts), strict=True):
            probabilities = dict(zip(model["pipeline"].classes_, row.tolist(), strict=True))
            label = max(probabilities, key=probabilities.__getitem__)
            answer["score"] = probabilities[label]
            answer["result"] = [
                {
                    "from_name": from_name,
                    "to_name": to_name,
                    "type": "choices",
                    "value": {"choices": [label]},
                    "score": probabilities[label],
                    "probabilities": probabilities,
                }
            ]
    return jsonify(results=results, model_version=version)


@app.post("/train")
def train() -> ResponseReturnValue:
    body = request.json
    project = project_id(body["project"])
    from_name, _, key = names(body["label_config"])
    held_out = set(body.get("holdout_task_ids", []))
    examples = []
    for task in body["annotations"]:
        answers = [each for each in task["annotations"] if not each.get("was_cancelled")]
        if answers and task["id"] not in held_out:
            newest = max(answers, key=lambda each: each.get("id", 0))
            labels = [each["value"]["choices"][0] for each in newest["result"] if each["from_name"] == from_name]
            examples += [(str(task["data"].get(key, "")), label) for label in labels[:1]]
    if not examples:
        return jsonify(error="No annotations found."), 400
    with lock:
        running = trainings.get(project)
        if running and running["status"] == "training":
            return jsonify(status="already_training", job=running["job"])
        job = uuid.uuid4().hex
        trainings[project] = {"job": job, "status": "training", "error": "", "metrics": {}}
    # In a thread: Label Studio and TrustAI go on asking for predictions meanwhile.
    threading.Thread(target=learn, args=(project, job, examples, body.get("callback_url")), daemon=True).start()
    return jsonify(status="training_started", job=job)


def learn(project: str, job: str, examples: list[tuple[str, str]], callback_url: str | None) -> None:
    texts, labels = zip(*examples, strict=True)
    before = model_of(project)
    version = before["version"]
    ended: dict[str, Any] = {"job": job, "error": "", "metrics": {}}
    try:
        pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000)).fit(texts, labels)
        number = before["number"] + 1
        version = f"v{number}-{len(texts)}labels"
        new = folder / f"{project}.new"
        joblib.dump({"number": number, "version": version, "pipeline": pipeline}, new)
        new.replace(folder / f"{project}.joblib")  # whole or not at all, for whoever reads it right now
        ended |= {"status": "done", "metrics": {"training_accuracy": pipeline.score(texts, labels)}}
    except Exception as error:  # whatever it is, TrustAI shows it to the lead
        ended |= {"status": "failed", "error": str(error)}
    trainings[project] = ended
    if callback_url:
        with suppress(httpx.HTTPError):  # TrustAI asks /is_training as well
            httpx.post(callback_url, json=ended | {"model_version": version}, timeout=10)


@app.get("/is_training")
def is_training() -> ResponseReturnValue:
    project = project_id(request.args["project"])
    training = trainings.get(project, {"job": "", "status": "idle", "error": "", "metrics": {}})
    version = model_of(project)["version"]
    return jsonify(training | {"is_training": training["status"] == "training", "model_version": version})


@app.post("/webhook")
def webhook() -> ResponseReturnValue:
    return jsonify(status="ignored")


@app.errorhandler(ValueError)
def refused(error: ValueError) -> ResponseReturnValue:
    return jsonify(error=str(error)), 400


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--data-dir", type=Path, default=folder)
    arguments = parser.parse_args()
    folder = arguments.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    app.run(port=arguments.port, threaded=True)
