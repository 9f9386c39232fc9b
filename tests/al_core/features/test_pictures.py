"""Pictures: alike ones come out near to each other, and nothing an importer wrote breaks them."""

import base64
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from al_core.errors import Cancelled, ServerUnreachable
from al_core.features import pictures, task_features
from al_core.types import LabelSpace
from tests.al_core.features.drawing import encoded, plain, uri

IMAGE = LabelSpace("kind", "image", ("a", "b"), "picture", "image")

NO_PICTURE = "no picture"
UNDECODABLE = "the picture could not be decoded"
UNREADABLE = "the picture could not be read from its address"
AN_ADDRESS = "a web address; pictures are read only when they are inside the task or a reader is given"
TOO_LONG = "a picture of more than 10 million bytes"
TOO_LARGE = "a picture of more than 50 million pixels"


def of_images(*images, **more):
    return task_features([{"picture": image} for image in images], IMAGE, **more)


def test_grey_values_go_from_0_to_1():
    features = of_images(uri(plain(0)), uri(plain(255)), uri(plain(51)))
    assert features.source == "pictures"
    assert features.rows.shape == (3, 64)
    assert features.rows.dtype == np.float32
    np.testing.assert_allclose(features.rows, np.repeat([[0.0], [1.0], [0.2]], 64, axis=1), atol=1e-6)


def test_a_thumbnail_keeps_what_is_where():
    halves = plain(0, (64, 64))
    halves.paste(255, (0, 0, 32, 64))
    thumbnail = of_images(uri(halves)).rows.reshape(8, 8)
    assert (thumbnail[:, :4] == 1).all()
    assert (thumbnail[:, 4:] == 0).all()


@pytest.mark.parametrize(("dimensions", "expected"), [(1, 64), (64, 64), (100, 100), (256, 256), (4096, 256)])
def test_thumbnails_are_8_to_16_pixels_wide(dimensions, expected):
    assert of_images(uri(plain(9)), dimensions=dimensions).rows.shape == (1, expected)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "tiff"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_common_raster_is_read(kind, mode):
    grey = 153 if mode == "L" else (153, 153, 153)
    np.testing.assert_allclose(of_images(uri(plain(grey, mode=mode), kind)).rows, 0.6, atol=0.02)


@pytest.mark.parametrize("mode", ["1", "LA", "RGBA", "P"])
def test_transparency_and_palettes_are_read(mode):
    image = plain(255, mode="L").convert(mode)
    # Pillow warns of a palette with a transparency for each colour, unless told what to do with it.
    more = {"transparency": bytes([0, 128])} if mode == "P" else {}
    assert (of_images(uri(image, **more)).rows == 1).all()


def test_what_is_transparent_is_white():
    drawing = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    drawing.paste((0, 0, 0, 255), (0, 0, 8, 16))
    row = of_images(uri(drawing)).rows.reshape(8, 8)
    assert (row[:, :4] == 0).all()
    assert (row[:, 4:] == 1).all()


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_sixteen_bits_a_pixel_are_read(kind):
    deep = Image.fromarray(np.full((9, 9), 39321, dtype=np.uint16))
    np.testing.assert_allclose(of_images(uri(deep, kind)).rows, 0.6, atol=1e-4)


def huge_png():
    """A few kilobytes that unpack to 64 megapixels."""
    return uri(plain(0, (8000, 8000), "1"))


def eps():
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    return f"data:image/eps;base64,{base64.b64encode(page).decode()}"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (None, NO_PICTURE),
        (5, NO_PICTURE),
        ("", NO_PICTURE),
        (" ", NO_PICTURE),
        ([uri(plain(0))], NO_PICTURE),
        ("https://example.org/cat.png", AN_ADDRESS),
        ("/data/upload/1/cat.png", AN_ADDRESS),
        ("data:image/png;base64,", UNDECODABLE),
        ("data:image/png;base64,!!!", UNDECODABLE),
        ("data:image/png;base64,ü", UNDECODABLE),
        ("data:image/png;base64,A", UNDECODABLE),
        ("data:image/png;base64,aGVsbG8=", UNDECODABLE),
        ("data:image/svg+xml;base64,PHN2Zy8+", UNDECODABLE),
        ("data:text/plain;base64,aGVsbG8=", UNDECODABLE),
        (uri(plain(0)).replace(";base64", ""), UNDECODABLE),
        (uri(plain(0), "ppm"), UNDECODABLE),  # a raster, but not among those that are read
        (uri(plain(0))[:80], UNDECODABLE),
        (huge_png(), TOO_LARGE),
        (uri(plain(0, (10_000, 10_000), "1")), TOO_LARGE),  # more than Pillow unpacks without a warning
        (uri(plain(0, (20_000, 10_000), "1")), TOO_LARGE),  # more than it would unpack at all
        (eps(), UNDECODABLE),
        ("data:image/png;base64," + "A" * 10_000_001, TOO_LONG),
    ],
    ids=lambda broken: str(broken)[:40],
)
def test_an_image_that_cannot_be_read_is_missing(broken, reason):
    features = of_images(uri(plain(0)), broken, uri(plain(255)))
    assert features.missing == {1: reason}
    assert np.isnan(features.rows[1]).all()
    np.testing.assert_allclose(features.rows[[0, 2]], np.repeat([[0.0], [1.0]], 64, axis=1))


def test_a_bomb_is_refused_before_it_is_unpacked():
    bomb = huge_png()
    tracemalloc.start()
    of_images(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_the_limits_are_what_refuses(monkeypatch):
    picture = uri(plain(0))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 40 * 30)
    assert of_images(picture).missing == {}
    monkeypatch.setattr(pictures, "MAX_PIXELS", 40 * 30 - 1)
    assert set(of_images(picture).missing) == {0}
    monkeypatch.undo()
    monkeypatch.setattr(pictures, "MAX_URI_LENGTH", len(picture))
    assert of_images(picture).missing == {}
    monkeypatch.setattr(pictures, "MAX_URI_LENGTH", len(picture) - 1)
    assert set(of_images(picture).missing) == {0}


FILES = [encoded(plain(99, (20, 9)), kind) for kind in ("png", "jpeg", "gif", "webp", "bmp", "tiff")]


@settings(deadline=None)
@given(
    st.binary()
    | st.builds(
        lambda file, place, byte: file[:place] + byte + file[place + 1 :],
        st.sampled_from(FILES),
        st.integers(0, 900),
        st.binary(min_size=1, max_size=3),
    )
)
def test_any_bytes_give_grey_values_or_a_reason(content):
    features = of_images(f"data:image/png;base64,{base64.b64encode(content).decode()}")
    if features.missing:
        assert np.isnan(features.rows).all()
    else:
        assert ((features.rows >= 0) & (features.rows <= 1)).all()


# ------------------------------------------------------------------- pictures at an address


def test_a_reader_brings_what_is_not_inside_the_task():
    asked = []

    def read(address):
        asked.append(address)
        return encoded(plain(51))

    rows = of_images("https://example.org/cat.png", uri(plain(255)), "/data/upload/1/cat.png", read_image=read).rows
    np.testing.assert_allclose(rows[:, 0], [0.2, 1, 0.2], atol=1e-6)
    assert sorted(asked) == ["/data/upload/1/cat.png", "https://example.org/cat.png"]


@pytest.mark.parametrize("error", [ServerUnreachable("It is down."), OSError("no route"), RuntimeError(), KeyError(1)])
def test_a_picture_that_cannot_be_had_is_missing_and_the_others_are_read(error):
    def read(address):
        if address == "a":
            raise error
        return encoded(plain(51))

    assert of_images("a", "b", read_image=read).missing == {0: UNREADABLE}


def test_a_reader_can_stop_the_work():
    def read(address):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        of_images("a", read_image=read)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<html>", UNDECODABLE),
        (b"", UNDECODABLE),
        (None, UNREADABLE),
        ("text", UNREADABLE),
        (b"0" * 10_000_001, TOO_LONG),
    ],
    ids=lambda answer: str(answer)[:20],
)
def test_what_a_reader_brings_is_not_trusted(answer, reason):
    assert of_images("a", read_image=lambda _: answer).missing == {0: reason}
