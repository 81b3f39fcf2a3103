"""Films are streamed, and of their frames a bounded number is kept, evenly spread."""

import numpy as np
import pytest
from broken_videos import make_video, truncated
from hypothesis import given
from hypothesis import strategies as st

from lrcn_utils.data.flow import CENTRE, estimate_flow, flow_image
from lrcn_utils.data.video import VideoError, read_video
from lrcn_utils.inference.film import MOST, Film, Thinned


@given(count=st.integers(1, 5 * MOST))
def test_kept_frames_are_few_and_evenly_spread(count):
    kept = Thinned()
    for number in range(count):
        kept.keep(number, str(number))
    assert list(kept) == list(range(0, count, kept.every))
    assert len(kept) <= MOST and (kept.every == 1 or 2 * len(kept) >= MOST)
    assert all(value == str(number) for number, value in kept.items())
    assert kept.at(count + 7) == kept[max(kept)]


@pytest.mark.parametrize("uploaded", [False, True])
def test_a_film_is_streamed_as_often_as_it_is_asked_for(tmp_path, uploaded):
    path = make_video(tmp_path / "a.avi", 9)
    film = Film("a.avi", path.read_bytes() if uploaded else path)
    expected = read_video(path, (12, 16))
    first, second = film.frames((12, 16)), film.frames((12, 16))
    both = [(a, b) for a, b in zip(first, second, strict=True)]  # at once: neither moves the other's place
    assert len(both) == 9
    for (a, b), frame in zip(both, expected, strict=True):
        np.testing.assert_array_equal(a, frame)
        np.testing.assert_array_equal(b, frame)


def test_flow_is_estimated_at_twice_the_size_and_halved(tmp_path):
    path = make_video(tmp_path / "a.avi", 4)
    found = np.stack(list(Film("a.avi", path).flow((12, 16))))
    whole = flow_image(estimate_flow(read_video(path, (24, 32))))
    expected = [
        [image[y : y + 2, :][:, x : x + 2].mean((0, 1)) for x in range(0, 32, 2)]
        for image in whole
        for y in range(0, 24, 2)
    ]
    np.testing.assert_array_equal(found, np.round(expected).reshape(3, 12, 16, 3))


def test_a_single_frame_does_not_move(tmp_path):
    images = list(Film("a.avi", make_video(tmp_path / "a.avi", 1)).flow((12, 16)))
    assert len(images) == 1 and (images[0] == CENTRE).all()


def test_a_broken_upload_is_called_by_its_name(tmp_path):
    content = truncated(tmp_path / "x.avi").read_bytes()
    with pytest.raises(VideoError, match=r"^mine\.avi: "):
        list(Film("mine.avi", content).frames((12, 16)))
