"""The reader of Flickr8k's expert judgements: all good lines, one message for the bad ones."""

import pytest

from lrcn_utils.data.flickr_experts import read_expert_annotations

GOOD = "100_a.jpg\t200_b.jpg#2\t1\t1\t2\n100_a.jpg\t100_a.jpg#0\t4\t3\t4\n"


def test_reads_every_judgement(tmp_path):
    path = tmp_path / "ExpertAnnotations.txt"
    path.write_bytes((GOOD + "\n").replace("\n", " \r\n").encode("utf-8-sig"))
    strange, own = read_expert_annotations(path)
    assert (strange.image, strange.caption_id, strange.scores) == ("100_a.jpg", "200_b.jpg#2", (1, 1, 2))
    assert not strange.own_caption and own.own_caption
    assert own.mean == pytest.approx(11 / 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("100_a.jpg\t200_b.jpg#2\t1\t1", "4 fields"),
        ("100_a.jpg\t200_b.jpg\t1\t1\t2", "caption id"),
        ("100_a.jpg\t200_b.jpg#2\t1\t5\t2", "1 to 4"),
        ("100_a.jpg\t200_b.jpg#7\t1\t1\t2", "#0 to #4"),
    ],
)
def test_a_bad_line_costs_one_message_with_its_number(tmp_path, line, message):
    path = tmp_path / "ExpertAnnotations.txt"
    path.write_text(GOOD + line + "\n" + line + "\n")
    with pytest.warns(UserWarning, match=rf"ExpertAnnotations.txt, line 3: .*{message}.*\(2 lines left out\)"):
        assert len(read_expert_annotations(path)) == 2
    with pytest.raises(ValueError, match="line 3"):
        read_expert_annotations(path, strict=True)
