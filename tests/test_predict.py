"""One command for films and images of one's own: right answers, one line for what cannot be read, the rest done."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from broken_videos import truncated
from PIL import Image

from lrcn_utils import predict
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.training.activity.models import load
from lrcn_utils.training.activity.scores import score
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def video(tiny_kitchen):
    return read_index(tiny_kitchen, test_groups=[1]).test[0]


@pytest.fixture
def folder(tmp_path, tiny_kitchen, video):
    """Two films, one of them cut off, an image, a text and hidden leavings of a Mac."""
    (tmp_path / "b").mkdir()
    shutil.copy(video.path, tmp_path / "b" / "film.AVI")
    truncated(tmp_path / "b" / "cut.avi")
    still = sorted((tiny_kitchen / "stills" / "images").rglob("*.jpg"))[0]
    shutil.copy(still, tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("no film")
    (tmp_path / "._a.jpg").write_bytes(b"no image")
    return tmp_path


def run(capsys, *words) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command."""
    with pytest.raises(SystemExit) as end:
        predict.main([str(word) for word in words])
    out, err = capsys.readouterr()
    if isinstance(end.value.code, str):  # Python prints such a reason itself, and ends with 1
        return 1, out, err + end.value.code + "\n"
    return end.value.code, out, err


def test_a_folder_gives_every_answer_and_one_line_for_what_is_broken(folder, video, capsys):
    code, out, err = run(capsys, folder)
    assert code == 1
    lines = err.splitlines()
    assert [line for line in lines if "cut.avi" in line] == [line for line in lines if str(folder / "b") in line]
    assert sum("cut.avi: truncated" in line for line in lines) == 1
    assert "left alone: 2 other files" in lines and "Toy Kitchen" in err and len(lines) == 3
    blocks = [line for line in out.splitlines() if not line.startswith(" ")]
    assert blocks == [str(folder / "a.jpg"), f"{folder / 'b' / 'film.AVI'}: {video.frames} frames"]
    for word in ("caption ", "activity ", "frames        0-15 ", "description ", "tuple        activity "):
        assert sum(line.strip().startswith(word) for line in out.splitlines()) == 1, word


def test_json_is_one_document_that_agrees_with_the_table(folder, video, capsys):
    code, out, _ = run(capsys, folder, "--json", "--top", 2)
    image, cut, film = json.loads(out)
    assert code == 1 and list(cut) == ["file", "error"] and "truncated" in cut["error"]
    assert list(image) == ["file", "captioning"] and image["captioning"]["log_prob"] < 0
    assert list(film) == ["file", "activity", "description"] and film["file"] == str(folder / "b" / "film.AVI")
    model, classes = load("lrcn_rgb")
    row = score(model, ClipDataset([video], train=False, cache=False), classes).probabilities[0]
    found = film["activity"]
    assert [one["label"] for one in found["top"]] == [classes[k] for k in np.argsort(-row)[:2]]
    assert found["top"][0]["probability"] == pytest.approx(row.max(), abs=1e-3)
    assert found["clips"][0]["first"] == 0 and found["clips"][-1]["last"] == found["frames"] - 1 == video.frames - 1
    assert list(film["description"]["tuple"]) == ["activity", "tool", "object", "source", "target"]


def test_a_models_own_task_decides_what_is_looked_at(folder, capsys):
    flow = CHECKPOINTS / "activity_lrcn_flow.safetensors"
    code, out, err = run(capsys, folder / "b" / "film.AVI", folder / "a.jpg", "--model", flow, "--json")
    (film,) = json.loads(out)
    assert code == 0 and list(film) == ["file", "activity"] and "left alone: 1 other file\n" in err
    assert "Toy Kitchen" not in err, "of your own model the command knows nothing"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--model", "none.safetensors"], "none.safetensors: no such checkpoint"),
        (["--model", CHECKPOINTS / "cnn_hybrid_toy.safetensors"], "a checkpoint of cnn; give one of activity"),
        (["--model", CHECKPOINTS / "activity_scores.safetensors"], "no field 'config'"),
        (["--model", CHECKPOINTS / "description_toy_crf.safetensors"], "not a decoder; the decoders are of kind"),
        (["--model", CHECKPOINTS / "captioning_2f_toy.safetensors", "--task", "activity"], "its task is captioning"),
    ],
)
def test_a_model_that_cannot_be_used_is_one_line(folder, capsys, words, why):
    code, out, err = run(capsys, folder / "b" / "film.AVI", *words)
    assert (code, out) == (1, "") and why in err.splitlines()[-1]
    assert len([line for line in err.splitlines() if ".safetensors" in line]) == 1


def test_a_model_whose_weights_do_not_fit_is_one_line(folder, tmp_path, capsys):
    model, config = load("lrcn_rgb")[0], load_checkpoint(CHECKPOINTS / "activity_lrcn_rgb.safetensors")[1]
    save_checkpoint(tmp_path / "odd.safetensors", model, config | {"hidden": 8}, {})
    code, out, err = run(capsys, folder / "b" / "film.AVI", "--model", tmp_path / "odd.safetensors")
    assert (code, out, err.count("\n")) == (
        1,
        "",
        1,
    ) and "odd.safetensors: cannot be used as a model of activity" in err


def test_what_is_not_there_or_of_no_kind_is_one_line_each_and_the_rest_is_done(folder, capsys):
    code, out, err = run(capsys, folder / "none.avi", folder / "notes.txt", folder / "a.jpg", "--json")
    assert code == 1 and f"{folder / 'none.avi'}: there is no such" in err and "notes.txt: its suffix" in err
    assert ["error" in one for one in json.loads(out)] == [True, True, False]


def test_nothing_to_look_at_is_one_line(folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    code, out, err = run(capsys, tmp_path / "empty")
    assert (code, out) == (1, "") and err.startswith("there is no film or image to look at")
    code, out, err = run(capsys, folder / "a.jpg", "--task", "description")
    assert (code, out) == (1, "") and "there is no film to look at" in err


def test_a_file_that_is_named_twice_is_answered_once(folder, capsys):
    _, out, _ = run(capsys, folder / "a.jpg", folder, folder / "a.jpg", "--task", "captioning", "--json")
    assert len(json.loads(out)) == 1


def test_a_picture_of_a_telephone_gets_the_caption_of_the_upright_one(folder, capsys):
    exif, pixels = Image.Exif(), np.asarray(Image.open(folder / "a.jpg"))
    exif[0x0112] = 6
    Image.fromarray(pixels).save(folder / "upright.png")
    Image.fromarray(np.rot90(pixels)).save(folder / "phone.png", exif=exif)
    _, out, _ = run(capsys, folder / "upright.png", folder / "phone.png", "--json")
    upright, phone = json.loads(out)
    assert upright["captioning"] == phone["captioning"]


def test_a_name_that_no_terminal_can_show_costs_nothing(folder, capsys):
    shutil.copy(folder / "a.jpg", folder / "line\nend \udcff.jpg")
    code, out, _ = run(capsys, folder / "line\nend \udcff.jpg")
    assert code == 0 and out.splitlines()[0].endswith("line end \\udcff.jpg")


@pytest.mark.parametrize("words", [["x", "--top", "0"], ["x", "--beam", "-1"], ["x", "--beam", "two"], []])
def test_words_that_make_no_sense_are_refused(words, capsys):
    assert run(capsys, *words)[0] == 2


def test_beams_are_counted(tiny_kitchen, video, capsys):
    images = sorted((tiny_kitchen / "stills" / "images").rglob("*.jpg"))[:12]
    for files, task in ((images, "captioning"), ([video.path], "description")):
        one, five = (
            [
                told[task]["log_prob"]
                for told in json.loads(run(capsys, *files, "--json", "--task", task, "--beam", n)[1])
            ]
            for n in (1, 5)
        )
        # Not a law for each: a wider beam may lose what a narrower one found.
        assert sum(one) <= sum(five) and (task == "description" or one != five)


def start(*words, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "lrcn_utils.predict", *map(str, words)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, text=True, **options)


def test_a_reader_that_goes_away_ends_it_quietly(folder):
    process = start(folder / "a.jpg", folder / "b" / "film.AVI", stdout=subprocess.PIPE)
    process.stdout.close()
    assert "roken" not in process.stderr.read() and process.wait() in (0, 1)


def test_help_is_there_at_once_and_an_interrupt_is_quiet(folder, capsys, monkeypatch):
    code = "import sys; import lrcn_utils.predict as p\ntry: p.main(['--help'])\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.stdout.splitlines()[-1] == "False" and '"tuple": {SLOT: WORD, ...}' in done.stdout

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "answer_all", interrupted)
    code, out, err = run(capsys, folder / "a.jpg")
    assert (code, out) == (130, "") and "Traceback" not in err
