"""Features: alike contents come out near to each other, and nothing an importer wrote breaks them."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from al_core import features
from al_core.errors import InvalidInput
from al_core.features import task_features
from al_core.types import LabelSpace

TEXT = LabelSpace("topic", "text", ("a", "b"), "body", "text")
IMAGE = LabelSpace("kind", "image", ("a", "b"), "picture", "image")


def uri(image, kind="png", **more):
    stored = BytesIO()
    image.save(stored, kind, **more)
    return f"data:image/{kind};base64,{base64.b64encode(stored.getvalue()).decode()}"


def plain(grey, size=(40, 30), mode="L"):
    return Image.new(mode, size, grey)


def of_texts(*texts, dimensions=64):
    return task_features([{"body": text} for text in texts], TEXT, dimensions)


def of_images(*images, dimensions=64):
    return task_features([{"picture": image} for image in images], IMAGE, dimensions)


def test_texts_of_one_topic_are_nearer_than_texts_of_two():
    rows = of_texts(
        "the ship left the harbour with grain",
        "a ship with grain came to the harbour",
        "interest rates of the bank rose",
        "the bank lowered interest rates",
        dimensions=3,
    )
    likeness = rows @ rows.T
    assert likeness[0, 1] > likeness[0, 2:].max() + 0.2
    assert likeness[2, 3] > likeness[2, :2].max() + 0.2


@pytest.mark.parametrize(("count", "dimensions", "expected"), [(5, 64, 5), (100, 8, 8), (1, 64, 1)])
def test_text_rows_have_unit_length_and_the_asked_dimensions(count, dimensions, expected):
    words = np.random.default_rng(0).integers(0, 50, (count, 12))
    rows = of_texts(*(" ".join(f"word{w}" for w in row) for row in words), dimensions=dimensions)
    assert rows.shape == (count, expected)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_equal_tasks_have_equal_features_and_a_second_run_gives_the_same():
    texts = ["red green blue", "red yellow", "red green blue", "cyan"]
    rows = of_texts(*texts)
    np.testing.assert_allclose(rows[0], rows[2], atol=1e-6)
    np.testing.assert_array_equal(rows, of_texts(*texts))


@pytest.mark.parametrize("nothing", ["", "   ", "!?", None, 7, ["red"]])
def test_a_text_without_words_gets_the_mean(nothing):
    rows = of_texts("red green", nothing, "blue yellow")
    np.testing.assert_allclose(rows[1], rows[[0, 2]].mean(axis=0), atol=1e-6)
    assert np.abs(rows[1]).max() > 0


def test_pools_that_say_nothing_get_zeros():
    for rows in (
        of_texts("", None),
        of_images("https://example.org/a.png"),
        task_features([{}], TEXT),
        task_features([{"sound": "a.wav"}], LabelSpace("c", "a", ("x",), "sound", "audio")),
    ):
        assert rows.size > 0
        assert not rows.any()
    assert len(task_features([], TEXT)) == len(task_features([], IMAGE)) == 0


def test_grey_values_go_from_0_to_1():
    rows = of_images(uri(plain(0)), uri(plain(255)), uri(plain(51)))
    assert rows.shape == (3, 64)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, np.repeat([[0.0], [1.0], [0.2]], 64, axis=1), atol=1e-6)


def test_a_thumbnail_keeps_what_is_where():
    halves = plain(0, (64, 64))
    halves.paste(255, (0, 0, 32, 64))
    thumbnail = of_images(uri(halves)).reshape(8, 8)
    assert (thumbnail[:, :4] == 1).all()
    assert (thumbnail[:, 4:] == 0).all()


@pytest.mark.parametrize(("dimensions", "expected"), [(1, 64), (64, 64), (100, 100), (256, 256), (4096, 256)])
def test_thumbnails_are_8_to_16_pixels_wide(dimensions, expected):
    assert of_images(uri(plain(9)), dimensions=dimensions).shape == (1, expected)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "tiff"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_common_raster_is_read(kind, mode):
    grey = 153 if mode == "L" else (153, 153, 153)
    np.testing.assert_allclose(of_images(uri(plain(grey, mode=mode), kind)), 0.6, atol=0.02)


@pytest.mark.parametrize("mode", ["1", "LA", "RGBA", "P"])
def test_transparency_and_palettes_are_read(mode):
    image = plain(255, mode="L").convert(mode)
    # Pillow warns of a palette with a transparency for each colour, unless told what to do with it.
    more = {"transparency": bytes([0, 128])} if mode == "P" else {}
    assert (of_images(uri(image, **more)) == 1).all()


def huge_png():
    """A few kilobytes that unpack to 64 megapixels."""
    return uri(plain(0, (8000, 8000), "1"))


def eps():
    return (
        "data:image/eps;base64,"
        + base64.b64encode(
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
        ).decode()
    )


@pytest.mark.parametrize(
    "broken",
    [
        None,
        5,
        "",
        "https://example.org/cat.png",
        "/data/upload/1/cat.png",
        "data:image/png;base64,",
        "data:image/png;base64,!!!",
        "data:image/png;base64,aGVsbG8=",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:text/plain;base64,aGVsbG8=",
        uri(plain(0)).replace(";base64", ""),
        uri(plain(0), "ppm"),  # a raster, but not among those that are read
        uri(plain(0))[:80],
        huge_png(),
        eps(),
        "data:image/png;base64," + "A" * 10_000_001,
    ],
    ids=lambda broken: str(broken)[:40],
)
def test_an_image_that_cannot_be_read_gets_the_mean(broken):
    rows = of_images(uri(plain(0)), broken, uri(plain(255)))
    np.testing.assert_allclose(rows[1], 0.5, atol=1e-6)


def test_the_limits_are_what_refuses(monkeypatch):
    picture = uri(plain(0))
    assert not of_images(picture, uri(plain(255)))[0].any()
    monkeypatch.setattr(features, "MAX_PIXELS", 40 * 30)
    assert not of_images(picture, uri(plain(255)))[0].any()
    monkeypatch.setattr(features, "MAX_PIXELS", 40 * 30 - 1)
    assert of_images(picture, uri(plain(255, (4, 4))))[0].all()
    monkeypatch.undo()
    monkeypatch.setattr(features, "MAX_URI_LENGTH", len(picture) - 1)
    assert of_images(picture, uri(plain(255, (1, 1))))[0].all()


def test_dimensions_are_checked():
    with pytest.raises(InvalidInput):
        of_texts("red", dimensions=0)
