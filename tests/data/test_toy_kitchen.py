"""Toy Kitchen: its promises about what can be told from what, and about the ground truth."""

import json

import numpy as np
import pytest

from lrcn_utils.data import toy_kitchen
from lrcn_utils.data.toy_kitchen import films, render, stills
from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen.render import Actor, Scene, Shape
from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.data.video import read_video


def frames_of(scene: Scene) -> np.ndarray:
    return np.stack(list(render.render(scene)))


def test_the_classes():
    assert len(toy_kitchen.CLASSES) == len(set(toy_kitchen.CLASSES)) == 16


def square(side: float) -> list[Shape]:
    return [Shape(draw.polygon((0, 0), (side, 0), (side, side), (0, side)), (250, 10, 10))]


def moving_square() -> Scene:
    """A square that moves by (2, 1) and grows by a half, behind a still one, before a camera that moves by (-1, 0)."""
    poses = np.array([[4.0, 4, 0, 1, 1], [6, 5, 0, 1.5, 1.5]])
    return Scene(
        size=(40, 30),
        backdrop=[],
        actors=[Actor(square(8), poses, "moving"), Actor(square(8), np.array([[10.0, 4, 0, 1, 1]]), "still")],
        camera=np.array([[0.0, 0], [-1, 0]]),
        light=np.full((30, 40, 3), 255, np.uint8),
    )


def test_true_flow_follows_the_visible_thing():
    flow = render.flow(moving_square())
    np.testing.assert_allclose(flow[0, 20, 20], [-1, 0])  # the backdrop: the camera alone
    np.testing.assert_allclose(flow[0, 4, 4], [2 + 0.25 - 1, 1 + 0.25], atol=1e-6)  # 0.5 from its corner, x 1.5
    np.testing.assert_allclose(flow[0, 6, 11], [-1, 0])  # where the still square hides the moving one


def test_boxes_are_of_what_can_be_seen():
    assert render.boxes(moving_square(), 0) == {"moving": [4, 4, 6, 8], "still": [10, 4, 8, 8]}


def test_pixels_move_as_the_true_flow_says():
    """Each pixel of frame t, looked up where the flow takes it in t + 1: much nearer than where it was."""
    scene = films.scene(0, "PutIn", 2, 1)
    frames, flow = frames_of(scene).astype(float), render.flow(scene)
    y, x = np.mgrid[4:116, 4:156]
    still, followed = [], []
    for t in range(len(flow)):
        moving = np.hypot(*flow[t].transpose(2, 0, 1))[4:116, 4:156] > 1.5
        to_x = np.clip(np.rint(x + flow[t, 4:116, 4:156, 0]), 0, 159).astype(int)
        to_y = np.clip(np.rint(y + flow[t, 4:116, 4:156, 1]), 0, 119).astype(int)
        followed.append(np.abs(frames[t + 1, to_y, to_x] - frames[t, y, x])[moving].mean() if moving.any() else 0)
        still.append(np.abs(frames[t + 1, y, x] - frames[t, y, x])[moving].mean() if moving.any() else 0)
    assert np.mean(followed) < 0.5 * np.mean(still)


def test_ground_truth_of_a_set_on_disk(tiny_kitchen):
    name = "v_PickUp_g01_c01"
    frames = read_video(tiny_kitchen / "UCF-101" / "PickUp" / f"{name}.avi")
    flow, boxes = toy_kitchen.true_flow(tiny_kitchen, name), toy_kitchen.boxes(tiny_kitchen, name)
    assert flow.shape == (len(frames) - 1, 120, 160, 2) and flow.dtype == np.float32
    assert len(boxes) == len(frames)
    assert all(0 <= x < x + w <= 160 and 0 <= y < y + h <= 120 for seen in boxes for x, y, w, h in seen.values())
    rendered = frames_of(films.scene(0, "PickUp", 1, 1))
    assert np.abs(rendered.astype(float) - frames).mean() < 4  # what the video codec loses
    with pytest.raises(KeyError, match="videos.json"):
        toy_kitchen.true_flow(tiny_kitchen, "v_PickUp_g99_c01")


def test_the_reader_takes_all_three_splits_and_groups_never_cross(tiny_kitchen):
    tests = []
    for split in (1, 2, 3):
        index = read_index(tiny_kitchen, split)
        assert len(index.classes) == 16 and len(index.train) == 48 and len(index.test) == 16
        assert not {video.group for video in index.train} & {video.group for video in index.test}
        tests += [video.group for video in index.test]
    assert set(tests) == {1, 8, 15}


def test_lengths_do_not_tell_the_class():
    lengths = [films.scene(0, name, group, 1).frames for name in ("Stir", "PutIn") for group in range(1, 26)]
    assert min(lengths) >= 18 and max(lengths) <= 44
    assert abs(np.mean(lengths[:25]) - np.mean(lengths[25:])) < 6


def test_held_out_compositions_are_never_seen_in_training():
    def compositions(split, count):
        for number in range(count):
            rng = np.random.default_rng([0, 501, list(stills.SPLIT_GROUPS).index(split), number])
            rng.integers(len(stills.SPLIT_GROUPS[split]))
            facts = stills.draw_facts(rng, held_out=split == "test" and rng.random() < stills.HELD_OUT_SHARE)
            yield facts["main"]["name"], facts["place"]
            if second := facts.get("second"):
                yield second["name"], facts["place"] if second["where"] == "with" else "counter"

    train, test = set(compositions("train", 1300)), set(compositions("test", 300))
    assert not train & set(stills.HELD_OUT)
    assert set(stills.HELD_OUT) <= test
    for food, place in stills.HELD_OUT:  # each half of a held-out pair is known from other pairs
        assert food in {f for f, _ in train} and place in {p for _, p in train}


def test_stills_keep_their_groups_apart_and_their_boxes_right(tiny_kitchen):
    truth = json.loads((tiny_kitchen / "ground_truth" / "stills.json").read_text())
    for still in truth.values():
        assert still["facts"]["group"] in stills.SPLIT_GROUPS[still["split"]]
        main = still["facts"]["main"]
        seen = [name for name in still["boxes"] if name.split("#")[0] == main["name"]]
        assert len(seen) >= main["count"]
    for split in stills.SPLIT_GROUPS:
        file = tiny_kitchen / "stills" / "annotations" / f"instances_{split}.json"
        content = json.loads(file.read_text())
        images = {image["id"] for image in content["images"]}
        categories = {category["id"] for category in content["categories"]}
        assert all(a["image_id"] in images and a["category_id"] in categories for a in content["annotations"])
        assert len({a["id"] for a in content["annotations"]}) == len(content["annotations"])
