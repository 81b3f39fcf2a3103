"""The paper's tables: complete, filtered strictly, printed beside measured numbers without loss."""

import pytest

from lrcn_utils.paper import beside, table, tasks


def test_every_number_of_the_paper_is_there():
    assert sum(len(table(task)) for task in tasks()) == 608
    assert all(isinstance(row["value"], float) and row["source"] for task in tasks() for row in table(task))


def test_filters_take_one_value_or_several():
    rows = table("image_text_retrieval", dataset="Flickr30k", version="CVPR 2015", metric=["R@1", "Medr"])
    assert len(rows) == 6 * 2 * 2
    one = table("image_text_retrieval", dataset="Flickr30k", version="CVPR 2015", method="LRCN_2f", metric="Medr")
    assert {row["input"]: row["value"] for row in one} == {"caption to image": 9.0, "image to caption": 7.0}


@pytest.mark.parametrize(
    ("task", "filters", "named"),
    [
        ("captions", {}, "image_captioning"),
        ("video_description", {"model": "x"}, "method"),
        ("video_description", {"input": "flow"}, "CRF max"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(task, filters, named):
    with pytest.raises(ValueError, match=named):
        table(task, **filters)


def test_measured_stands_above_the_paper_with_the_tier_and_the_papers_digits():
    rows = table("video_description", version="CVPR 2015")
    printed = beside({"ours": {"BLEU-4": 91.234}}, rows, tier="Toy Kitchen")
    lines = str(printed).splitlines()
    assert lines[2].startswith("| **Measured here: Toy Kitchen**")
    assert lines[3] == "| ours | 91.2 |"
    assert "| (c) LSTM decoder; CRF prob | 28.8 |" in lines
    assert "TACoS" in lines[4] and "Table 5" in lines[4]


def test_two_fields_make_the_columns_and_lacking_cells_stay_empty():
    rows = table("image_text_retrieval", dataset="Flickr30k", version="CVPR 2015", metric=["R@1", "Medr"])
    measured = {"image to caption, R@1": 50, "image to caption, Medr": 1.5}
    printed = beside({"ours": measured}, rows, tier="toy", columns=("input", "metric"))
    assert printed.columns[0] == "caption to image, R@1 (%)" and len(printed.columns) == 4
    (_, ours), (_, theirs) = printed.blocks
    assert sorted(ours[0][1]) == ["", "", "1.5", "50.0"]
    assert len(theirs) == 6 and all(all(cells) for _, cells in theirs)


def test_html_is_escaped():
    rows = table("video_description", version="CVPR 2015")
    html = beside({"<b>": {"BLEU-4": 1.0}}, rows, tier="a & b")._repr_html_()
    assert "&lt;b&gt;" in html and "a &amp; b" in html and "<b>" not in html


def test_without_rows_of_the_paper_ours_stand_alone():
    printed = beside({"ours": {"nats a word": 1.23456, "R@1": 40.5}, "no": {"R@1": 0.05}}, [], tier="toy")
    assert len(printed.blocks) == 1 and "| ours | 1.235 | 40.5 |" in str(printed) and "|  | 0.1 |" in str(printed)
