"""Descriptions in the layout of TACoS Multi-Level, tuples, CRF outputs: what is read, and what is said of the rest."""

import importlib.util
import tarfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrcn_utils.data import tacos
from lrcn_utils.data.report import Report
from lrcn_utils.data.tacos import CRFOutputs, read_corpus, read_crf, read_tuples, write_crf


@pytest.fixture
def corpus(tmp_path):
    """Two videos of training, one of test; one empty file; one video without a folder."""
    files = {
        "detailed/s1-d1/1.txt": "The person cuts.\nThe person stirs .\n",
        "detailed/s1-d1/2.txt": "",
        "detailed/s1-d1/10.txt": "\n  \n",
        "detailed/s2-d1/1.txt": "A person peels.",
        "short/s1-d1/1.txt": "Someone cooks.",
        "short/s2-d1/1.txt": "Someone peels.",
        "experimentalSetup/sequencesTrainValDishes.txt": "s1-d1\n",
        "experimentalSetup/sequencesTest.txt": "s2-d1\n\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_reads_sentences_by_level_and_side(corpus):
    read = read_corpus(corpus, ["detailed", "short"])
    assert (read.train, read.test) == (["s1-d1"], ["s2-d1"])
    (only,) = read.of("detailed", read.train)
    assert only.sentences == ("The person cuts.", "The person stirs .")
    assert only.text == "The person cuts . The person stirs"
    assert [d.text for d in read.of("short", read.test + read.train)] == ["Someone peels", "Someone cooks"]


def test_bad_input_costs_a_line_each_and_the_rest_is_used(corpus):
    read = read_corpus(corpus, ["detailed", "long", "singlesentence"])
    lines = read.report.lines
    assert sum("is empty" in line for line in lines) == 2
    assert any("level 'long' is unknown" in line and "detailed, short" in line for line in lines)
    assert any("singlesentence" in line and "no such folder" in line for line in lines)
    assert len(lines) == 4 and len(read.descriptions) == 2
    with pytest.raises(ValueError, match="is empty"):
        read_corpus(corpus, ["detailed"], strict=True)


def test_a_video_without_files_is_reported(corpus):
    (corpus / "experimentalSetup/sequencesTest.txt").write_text("s2-d1\ns9-d9\n")
    assert "short/s9-d9: no descriptions" in read_corpus(corpus, ["short"]).report.lines


def test_a_split_with_a_video_on_both_sides_is_refused(corpus):
    (corpus / "experimentalSetup/sequencesTest.txt").write_text("s1-d1\n")
    with pytest.raises(ValueError, match="s1-d1 is in both lists"):
        read_corpus(corpus)


def test_missing_split_names_the_script(tmp_path):
    with pytest.raises(FileNotFoundError, match="prepare_tacos"):
        read_corpus(tmp_path)


def test_tuples_with_a_missing_slot_are_left_out(tmp_path):
    path = tmp_path / "tuples.csv"
    path.write_text(
        "video,activity,tool,object,source,target\nv1,cut,knife,carrot,none,board\nv2,cut,,carrot, ,board\n"
    )
    report = Report()
    assert read_tuples(path, report) == {"v1": ("cut", "knife", "carrot", "none", "board")}
    assert len(report) == 1 and "line 3: v2: slot tool, source is empty" in str(report)
    path.write_text("video,activity,tool,object,source\nv1,cut,knife,carrot,none\n")
    with pytest.raises(ValueError, match="no column target"):
        read_tuples(path)


def outputs():
    states = {slot: [f"{slot}{k}" for k in range(2 + s)] for s, slot in enumerate(tacos.SLOTS)}
    generator = torch.Generator().manual_seed(0)
    marginals = [torch.rand(3, len(words), generator=generator) for words in states.values()]
    marginals = [m / m.sum(1, keepdim=True) for m in marginals]
    best = torch.stack([torch.randint(len(w), (3,), generator=generator) for w in states.values()], 1)
    return CRFOutputs(["v1", "v2", "v3"], states, marginals, best)


def test_crf_outputs_come_back_as_they_were_written(tmp_path):
    before = outputs()
    write_crf(tmp_path / "crf.csv", before)
    after = read_crf(tmp_path / "crf.csv")
    assert (after.videos, after.states) == (before.videos, before.states)
    assert torch.equal(after.map_tuples, before.map_tuples)
    for one, other in zip(before.marginals, after.marginals, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [x for x in lines if not x.startswith("v2,tool")], "v2: slot tool has no rows"),
        (lambda lines: [x for x in lines if not x.startswith("v2,tool,tool0")], "of tool sum to"),
        (lambda lines: [x.replace(",1", ",0") if x.startswith("v2,tool") else x for x in lines], "one row with map 1"),
    ],
)
def test_a_broken_video_of_the_crf_file_is_left_out(tmp_path, change, message):
    path = tmp_path / "crf.csv"
    before = outputs()
    for marginal in before.marginals:  # the MAP state is not the first, so that removing the first leaves one
        marginal[:] = 1 / marginal.shape[1]
    before.map_tuples[:] = 1
    write_crf(path, before)
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    report = Report()
    assert read_crf(path, report).videos == ["v1", "v3"]
    assert len(report) == 1 and message in str(report)


def test_a_row_of_the_crf_file_that_stands_twice_is_seen(tmp_path):
    write_crf(tmp_path / "crf.csv", outputs())
    row = (tmp_path / "crf.csv").read_text().splitlines()[1]
    with open(tmp_path / "crf.csv", "a") as file:
        file.write(row + "\n")
    report = Report()
    assert row.startswith("v1,activity,") and read_crf(tmp_path / "crf.csv", report).videos == ["v2", "v3"]
    assert "v1: the probabilities of activity sum to" in str(report)


def test_a_crf_file_without_a_row_is_empty(tmp_path):
    (tmp_path / "crf.csv").write_text("video,slot,state,probability,map\n")
    found = read_crf(tmp_path / "crf.csv")
    assert found.videos == [] and found.map_tuples.shape == (0, 5) and found.marginals[0].shape == (0, 0)


def test_files_of_an_editor_of_windows_are_read_whole(corpus):
    def rewrite(name, text):
        (corpus / name).write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))

    rewrite("experimentalSetup/sequencesTrainValDishes.txt", "s1-d1\ns1-d1 \n")
    rewrite("experimentalSetup/sequencesTest.txt", "s2-d1\n")
    rewrite("detailed/s1-d1/1.txt", "The person cuts.\n")
    rewrite("tuples.csv", "video,activity,tool,object,source,target\nv1,cut,knife,carrot,none,board\nv1,a,b,c,d,e\n")
    read, report = read_corpus(corpus, ["detailed"]), Report()
    assert (read.train, read.test) == (["s1-d1"], ["s2-d1"])
    assert read.of("detailed", read.train)[0].sentences == ("The person cuts.",)
    assert read_tuples(corpus / "tuples.csv", report) == {"v1": ("cut", "knife", "carrot", "none", "board")}
    assert report.lines == ["tuples.csv, line 3: v1 stands twice; its first tuple is used"]


def test_cells_of_the_crf_file_are_named_by_line(tmp_path):
    path = tmp_path / "crf.csv"
    head = "video,slot,state,probability,map\n"
    path.write_text(head + "v1,tool,knife,much,1\n")
    with pytest.raises(ValueError, match="line 2: probability 'much' is not from 0 to 1"):
        read_crf(path)
    for value in ("nan", "1.5", "-0.5", ""):
        path.write_text(head + f"v1,tool,knife,{value},1\n")
        with pytest.raises(ValueError, match=f"line 2: probability '{value}'"):
            read_crf(path)
    path.write_text(head + "v1,cook,Anna,1,1\n")
    with pytest.raises(ValueError, match="line 2: slot 'cook'"):
        read_crf(path)


def test_descriptions_of_a_video_without_a_crf_row_are_left_out_with_one_line(corpus):
    kept = read_corpus(corpus, ["detailed", "short"]).only(["s2-d1"], "row in crf.csv")
    assert {d.video for d in kept.descriptions} == {"s2-d1"}
    assert (kept.train, kept.test) == ([], ["s2-d1"])
    assert kept.report.lines[2:] == ["s1-d1: no row in crf.csv; its 2 descriptions are left out"]


def test_crf_outputs_of_some_videos_and_joined():
    whole = outputs()
    part, rest = whole.of(["v3", "v1"]), whole.of(["v2"])
    assert torch.equal(part.map_tuples, whole.map_tuples[[2, 0]])
    assert part.joined(rest).videos == ["v3", "v1", "v2"]
    assert torch.equal(part.joined(rest).of(whole.videos).marginals[1], whole.marginals[1])
    with pytest.raises(KeyError, match="v9"):
        whole.of(["v9"])


def test_states_and_tuples_there_and_back():
    tuples = [("cut", "knife", "carrot", "none", "board"), ("stir", "spoon", "soup", "none", "bowl")]
    states = tacos.slot_states(tuples)
    assert states["source"] == ["none"] and states["tool"] == ["knife", "spoon"]
    rows = tacos.encode_tuples(tuples, states)
    assert [tacos.decode_tuple(row, states) for row in rows] == tuples
    with pytest.raises(ValueError, match="'fork' is no state of slot tool"):
        tacos.encode_tuples([("cut", "fork", "carrot", "none", "board")], states)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=40), st.integers(1, 5))
def test_folds_part_the_videos_and_never_a_group(numbers, count):
    videos = [f"v_Stir_g{group:02d}_c{clip:02d}" for group, clip in numbers]
    parts = tacos.folds(videos, count)
    assert sorted(i for part in parts for i in part) == list(range(len(videos)))
    homes = {}
    for number, part in enumerate(parts):
        for i in part:
            assert homes.setdefault(tacos.group(videos[i]), number) == number


def test_groups_of_both_kinds_of_names():
    assert [tacos.group(v) for v in ("v_OpenDrawer_g07_c02", "s13-d21", "clip")] == ["g07", "s13", "clip"]


def prepare_tacos(*arguments):
    path = Path(__file__).resolve().parents[2] / "data_scripts" / "prepare_tacos.py"
    spec = importlib.util.spec_from_file_location("prepare_tacos", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(argument) for argument in arguments])


@pytest.mark.parametrize("packed", [True, False])
def test_the_script_brings_the_corpus_to_its_place(corpus, tmp_path_factory, capsys, packed):
    place = tmp_path_factory.mktemp("place")
    out, source = place / "tacos", corpus
    out.mkdir()
    write_crf(out / "crf.csv", outputs())
    if packed:
        source = place / "tacos_ml.tar.gz"
        with tarfile.open(source, "w:gz") as file:
            file.add(corpus, "tacos_ml")
    for _ in range(2):
        assert prepare_tacos("--source", source, "--out", out) == 0
    said = capsys.readouterr().out
    assert "detailed, training: 1 descriptions, 2 sentences" in said and "crf.csv: 3 videos" in said
    assert "detailed/s1-d1/2.txt: the file is empty" in said and "is kept; remove it to unpack again" in said
    assert len(read_corpus(out, ["detailed"]).descriptions) == 2
    assert sorted(path.name for path in place.iterdir()) == ["tacos", "tacos_ml.tar.gz"][: 1 + packed]
    with pytest.raises(SystemExit, match=r"^prepare_tacos: detailed/s1-d1/2.txt: the file is empty$"):
        prepare_tacos("--out", out, "--strict")


def test_the_script_says_in_one_line_what_is_missing(tmp_path):
    with pytest.raises(SystemExit, match=r"^prepare_tacos: .*: no such list; give the download of the corpus"):
        prepare_tacos("--out", tmp_path / "nowhere")
    with pytest.raises(SystemExit, match=r"^prepare_tacos: .*there is no folder experimentalSetup in it"):
        prepare_tacos("--source", tmp_path, "--out", tmp_path / "out")


@pytest.mark.real
def test_the_real_corpus_is_read_whole(real_data, tmp_path):
    with tarfile.open(real_data / "tacos_ml.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    read = read_corpus(tmp_path / "tacos_ml")
    everyone = read.train + read.test
    assert (len(read.train), len(read.test)) == (143, 42)
    assert len(read.report) == 152 and all("the file is empty" in line for line in read.report.lines)
    assert read.report.lines[-1] == "... and 147 more of this kind: the file is empty"
    counts = [sum(len(d.sentences) for d in read.of(level, everyone)) for level in tacos.LEVELS]
    assert counts == [52593, 18531, 3704]
