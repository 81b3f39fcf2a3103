"""The command `evaluate`: a captioner on a split, a file of predictions, and the page of pictures."""

import json
from html.parser import HTMLParser

import pytest
from PIL import Image

from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.coco import read_coco, read_predictions, write_predictions
from lrcn_utils.evaluate import main
from lrcn_utils.inference.caption_page import write_page
from lrcn_utils.metrics.captions import bleu, caption_scores, cider_d, coco_words
from lrcn_utils.training.captioning import models
from lrcn_utils.training.captioning.evaluation import Captioned
from lrcn_utils.training.captioning.shipped import path
from lrcn_utils.training.features import extract_images
from lrcn_utils.training.sentences import Pairs, nats_per_word

pytest.importorskip("nltk", reason="needs the extra 'metrics'")
CAPTIONS = {1: ["A red car.", "a car, red"], 2: ["two dogs' bowls", "bowls of two dogs"]}
SAID = {1: "a red car", 2: "two dogs"}


@pytest.fixture
def files(tmp_path):
    """(predictions, references) in COCO's forms."""
    predictions, references = tmp_path / "mine.json", tmp_path / "captions.json"
    predictions.write_text(json.dumps([{"image_id": i, "caption": text} for i, text in SAID.items()]))
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in CAPTIONS]
    pairs = [(i, text) for i, some in CAPTIONS.items() for text in some]
    annotations = [{"id": n, "image_id": i, "caption": text} for n, (i, text) in enumerate(pairs)]
    references.write_text(json.dumps({"images": images, "annotations": annotations}))
    return predictions, references


def refusal(*words):
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    assert "\n" not in stopped.value.code
    return stopped.value.code


def test_predictions_are_scored_from_raw_sentences(files, capsys):
    main(["predictions", *map(str, files)])
    words = [coco_words(text) for text in SAID.values()]
    wanted = [[coco_words(text) for text in some] for some in CAPTIONS.values()]
    said = capsys.readouterr().out
    assert f"{bleu(words, wanted)[0]:.3f}" in said and f"{cider_d(words, wanted):.3f}" in said and "2 images" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{}", "mine.json: needs a list"),
        ("[]", "mine.json: needs a list"),
        ('[{"caption": "a"}]', r"mine.json, record [0]: needs 'image_id' and 'caption'"),
        ('[{"image_id": 1, "caption": 3}]', "the caption is not a text"),
        ('[{"image_id": 1, "caption": "a"}, {"image_id": 1, "caption": "b"}]', "record [1]: image 1 has a caption"),
        ('[{"image_id": 9, "caption": "a"}]', "image 9 has no caption in captions.json"),
        ("[", "mine.json"),
    ],
)
def test_what_does_not_fit_is_named(files, content, says):
    files[0].write_text(content)
    assert says in refusal("predictions", *files)


def test_images_without_a_prediction_are_counted(files, capsys):
    files[0].write_text('[{"image_id": "1", "caption": "a red car"}]')
    main(["predictions", *map(str, files)])
    assert "1 of 2 images have no prediction" in capsys.readouterr().out


def test_predictions_are_written_as_they_are_read(tmp_path):
    write_predictions(tmp_path / "p.json", ["7", "b"], ["one", "two"])
    assert read_predictions(tmp_path / "p.json") == {"7": "one", "b": "two"}
    assert json.loads((tmp_path / "p.json").read_text())[0]["image_id"] == 7


def test_a_shipped_captioner_on_a_split(tiny_kitchen, tmp_path, capsys):
    words = [
        "captioner",
        str(path("2f")),
        "--root",
        str(tiny_kitchen),
        "--split",
        "val",
        "--out",
        str(tmp_path / "run"),
    ]
    main([*map(str, words), "--retrieval", "--page", str(tmp_path / "page.html")])
    said, results = capsys.readouterr().out, json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["command"] == f"python -m lrcn_utils.evaluate captioner {path('2f').name} --split val --retrieval"
    annotations = json.loads((tiny_kitchen / "stills" / "annotations" / "captions_val.json").read_text())["annotations"]
    captions = {}
    for one in annotations:
        captions.setdefault(str(one["image_id"]), []).append(one["caption"])
    written = read_predictions(tmp_path / "run" / "predictions.json")
    wanted = [[coco_words(text) for text in captions[key]] for key in written]
    again = caption_scores([coco_words(text) for text in written.values()], wanted)
    assert results["scores"]["beam 3"] == pytest.approx(again) and f"{again['BLEU-4']:.3f}" in said
    assert results["retrieval"]["image to caption, R@10"] > 0 and results["data"]["images"] == len(captions)
    assert (tmp_path / "page.html").read_text().count("<img") >= len(captions)
    assert "holds this run already" in refusal(*words, "--retrieval")


def test_the_captioner_with_attention_is_scored_on_all_its_places(tiny_kitchen, tmp_path):
    words = ["captioner", path("attention"), "--root", tiny_kitchen, "--split", "val", "--out", tmp_path / "run"]
    main([str(word) for word in words])
    found = json.loads((tmp_path / "run" / "results.json").read_text())["loss"]["nats a word"]
    model, vocabulary, config, _ = models.load(path("attention"))
    stills = tiny_kitchen / "stills"
    images = read_coco(stills / "annotations" / "captions_val.json", stills / "images")
    _, maps = extract_images(images, models.cnn_of(config, beside=path("attention")), "map", tmp_path / "cache")
    assert found == pytest.approx(nats_per_word(model, Pairs(maps, images.pairs(), vocabulary)), rel=1e-6)


def test_the_control_without_an_image_is_scored_too(tiny_kitchen, tmp_path):
    words = ["captioner", path("no_image"), "--root", tiny_kitchen, "--split", "val", "--out", tmp_path / "run"]
    main([str(word) for word in words])
    assert json.loads((tmp_path / "run" / "results.json").read_text())["loss"]["nats a word"] > 0.9


def test_another_kind_of_checkpoint_is_refused(tmp_path):
    refused = refusal("captioner", path("2f").with_name("activity_lrcn_rgb.safetensors"), "--out", tmp_path / "run")
    assert "a checkpoint of activity, not of captioning" in refused


def test_names_and_captions_cannot_write_html(tmp_path):
    file = tmp_path / "a<b>&'.png"
    Image.new("RGB", (500, 300), "red").save(file)
    evil = '<script>"&</script>'
    images = CaptionSet(["1"], [file], [[evil]])
    write_page(tmp_path / "page.html", Captioned(images, {"greedy": [evil], "beam 3": [evil]}, [0.5]))
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            seen.append((tag, dict(attributes)))

    Reader().feed((tmp_path / "page.html").read_text())
    assert "script" not in dict(seen) and "b" in dict(seen)
    assert {attributes["alt"] for tag, attributes in seen if tag == "img"} == {file.name}
