"""The same on label-studio-ml 1.0.9: texts, one choice each.

pip install label-studio-ml==1.0.9 redis rq scikit-learn
python label_studio_ml_backend.py --port 9090 --data-dir models
"""

import argparse
import os
from contextlib import suppress
from typing import Any

# Set and empty: else label-studio-ml 1.0.9 answers /train with 500 and forgets the model.
os.environ["LABEL_STUDIO_ML_BACKEND_V2"] = ""

import joblib
import requests
from flask import after_this_request, request
from label_studio_ml.api import init_app
from label_studio_ml.model import LabelStudioMLBase
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class TextClassifier(LabelStudioMLBase):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        controls = self.parsed_label_config.items()
        self.from_name, control = next((name, each) for name, each in controls if each["type"] == "Choices")
        self.to_name = control["to_name"][0]
        self.key = control["inputs"][0]["value"]
        self.pipeline = joblib.load(self.train_output["file"]) if self.train_output else None

    def predict(self, tasks: list[dict[str, Any]], **kwargs: Any) -> list[dict[str, Any]]:
        if not self.pipeline:
            return [{"result": [], "score": 0.0} for _ in tasks]
        rows = self.pipeline.predict_proba([str(task["data"].get(self.key, "")) for task in tasks])
        return [self.answer(dict(zip(self.pipeline.classes_, row.tolist(), strict=True))) for row in rows]

    def answer(self, probabilities: dict[str, float]) -> dict[str, Any]:
        label = max(probabilities, key=probabilities.__getitem__)
        region = {
            "from_name": self.from_name,
            "to_name": self.to_name,
            "type": "choices",
            "value": {"choices": [label]},
            "score": probabilities[label],
            "probabilities": probabilities,
        }
        version = self.train_output["version"]
        return {"result": [region], "score": probabilities[label], "model_version": version}

    def fit(self, tasks: Any, workdir: str, **kwargs: Any) -> dict[str, Any]:
        """Train inside the request to /train, as label-studio-ml does without Redis."""
        # It passes on "params" alone; what else was sent is in the request.
        body = request.get_json()
        ended: dict[str, Any] = {"status": "failed"}
        if body.get("callback_url"):
            call_back_after_answering(body["callback_url"], ended)
        held_out = set(body.get("holdout_task_ids", []))
        examples = []
        for task in tasks:
            answers = [each for each in task["annotations"] if not each.get("was_cancelled")]
            if answers and task["id"] not in held_out:
                newest = max(answers, key=lambda each: each.get("id", 0))
                regions = [each for each in newest["result"] if each["from_name"] == self.from_name]
                examples += [(str(task["data"].get(self.key, "")), each["value"]["choices"][0]) for each in regions[:1]]
        texts, labels = zip(*examples, strict=True)
        pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000)).fit(texts, labels)
        file = os.path.join(workdir, "model.joblib")
        joblib.dump(pipeline, file)
        version = os.path.basename(workdir)  # the second it began in, which label-studio-ml calls the version
        metrics = {"training_accuracy": pipeline.score(texts, labels)}
        ended.update(status="done", model_version=version, metrics=metrics)
        return {"file": file, "version": version}


def call_back_after_answering(callback_url: str, ended: dict[str, Any]) -> None:
    """Tell it once the new model is in place, or the error is known: fit itself is too early for that."""

    @after_this_request
    def call_back(response: Any) -> Any:
        if response.status_code >= 400:
            ended["error"] = response.get_json()["detail"]
        with suppress(requests.RequestException):  # TrustAI asks /setup as well
            requests.post(callback_url, json=ended, timeout=10, allow_redirects=False)
        return response


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--data-dir", default="models")
    arguments = parser.parse_args()
    init_app(TextClassifier, model_dir=os.path.abspath(arguments.data_dir)).run(port=arguments.port, threaded=True)
