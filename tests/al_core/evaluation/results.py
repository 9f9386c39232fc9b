"""Results as Label Studio has them, for the tests of measures."""

from al_core.types import LabelSpace

ONE_CLASS = LabelSpace("animal", "picture", ("cat", "dog", "emu"), "image", "image")
CLASSES = LabelSpace("animals", "picture", ("cat", "dog", "emu"), "image", "image", form="multi")
SPANS = LabelSpace("names", "words", ("PER", "ORG"), "text", "text", "Labels", "regions")
BOXES = LabelSpace("box", "picture", ("cat", "dog"), "image", "image", "RectangleLabels", "regions")
NUMBER = LabelSpace("count", "picture", (), "image", "image", "Number", "regions")


def choice(*labels, control="animal"):
    return [{"from_name": control, "to_name": "picture", "type": "choices", "value": {"choices": list(labels)}}]


def choices(*labels):
    return choice(*labels, control="animals")


def span(label, start, end, **more):
    value = {"start": start, "end": end, "labels": [label], **more}
    return {"from_name": "names", "to_name": "words", "type": "labels", "value": value}


def box(label, x, y, width=10, height=10, score=None, rotation=0):
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": rotation, "rectanglelabels": [label]}
    found = {"from_name": "box", "to_name": "picture", "type": "rectanglelabels", "value": value}
    return found if score is None else {**found, "score": score}


def number(value):
    return [{"from_name": "count", "to_name": "picture", "type": "number", "value": {"number": value}}]
