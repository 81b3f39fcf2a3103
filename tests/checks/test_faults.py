"""Every planted fault is seen in its number, every mended piece is enough, and each student keeps one fault."""

import numpy as np
import pytest

from lrcn_utils.checks import faults
from lrcn_utils.checks.faults import measures, pieces, recogniser, stage


@pytest.mark.parametrize("name", faults.FAULTS)
def test_the_number_moves_by_more_than_its_spread(name):
    broken, mended = (np.array(values) for values in faults.FAULTS[name].both().values())
    assert abs(broken.mean() - mended.mean()) > np.ptp(broken) + np.ptp(mended)


WITHOUT_THE_FAULT = {  # bands of the number, with the mended piece
    "first frame": (0, 0.4),
    "groups": (0, 0),
    "labels": (0.8, 1),
    "crop": (0, 0.2),
    "softmax": (0, 0.05),
    "gradient": (-1, 1.2),
    "state": (0, 1e-6),
    "dropout": (0, 1e-6),
    "channels": (0.9, 1),
    "shift": (0.8, 1),
    "padding": (0.999, 1.001),
    "vocabulary": (0.8, 1),
    "flow": (0.9, 1),
    "BLEU": (0.4, 0.55),
    "CRF": (0, np.log(36)),
}


@pytest.mark.parametrize("name", faults.FAULTS)
def test_the_mended_piece_is_enough_and_nothing_less_is(name):
    (least, most), fault = WITHOUT_THE_FAULT[name], faults.FAULTS[name]
    assert least <= fault.symptom(0, False) <= most
    assert not least <= fault.symptom(0, True) <= most


def test_the_code_that_is_shown_is_that_of_both_pieces():
    shown = faults.FAULTS["labels"].code()
    assert "roll(1)" in shown and "def labels_in_order" in shown


def test_a_healthy_recogniser_learns_and_begins_without_an_opinion():
    run = recogniser.train(recogniser.Recipe())
    assert run.accuracy() > 0.8
    assert run.losses[0] == pytest.approx(np.log(len(stage.DIRECTIONS)), abs=0.1)


def test_mirrored_flow_is_the_flow_of_the_mirrored_film():
    assert measures.mirror_test(0, pieces.flow_negated) <= 1
    assert measures.mirror_test(0, pieces.flow_only_flipped) > 10


def test_a_student_keeps_a_fault_and_a_class_has_many():
    drawn = [faults.drawn(7, f"student {number}") for number in range(200)]
    assert drawn == [faults.drawn(7, f" Student {number} ") for number in range(200)]
    assert set(drawn) == set(faults.DRAWN)
    assert drawn != [faults.drawn(8, f"student {number}") for number in range(200)]


def test_a_fault_without_a_network_says_so():
    with pytest.raises(ValueError, match="BLEU: this fault has no network"):
        faults.FAULTS["BLEU"].run(True)


def test_an_accusation_is_right_wrong_or_refused():
    suspect = faults.Suspect(faults.FAULTS["channels"])
    assert suspect.accuse("channels").startswith("Found: channels")
    assert suspect.accuse("padding").startswith("Not padding")
    with pytest.raises(ValueError, match="no fault is called 'BLEU'"):
        suspect.accuse("BLEU")


def test_a_suspect_is_examined_beside_a_healthy_network():
    found = faults.Suspect(faults.FAULTS["channels"]).examine()
    here, healthy = found["right colours"]
    assert here < healthy
    assert all(here == healthy for name, (here, healthy) in found.items() if "loss" in name)
