"""The checker of the built site finds what is wrong with a page (the site itself is built by `make site`)."""

import pytest
from check_site import complaints


@pytest.fixture
def site(tmp_path):
    (tmp_path / "a.html").write_text('<h1 id="top">A</h1><a href="b.html#there">b</a>', encoding="utf-8")
    (tmp_path / "b.html").write_text('<p id="there">B</p><a href="a.html">a</a>', encoding="utf-8")
    return tmp_path


def test_a_sound_site_has_no_complaints(site):
    assert complaints(site) == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('<a href="gone.html">x</a>', "leads nowhere"),
        ('<a href="b.html#nowhere">x</a>', "no such anchor"),
        ('<script src="https://example.org/x.js"></script>', "loads https"),
        ('<img src="big.png">', "3 MB are allowed"),
    ],
)
def test_each_fault_is_named_with_its_page(site, body, complaint):
    (site / "big.png").write_bytes(b"0" * 3_100_000)
    (site / "c.html").write_text(body, encoding="utf-8")
    (found,) = complaints(site)
    assert found.startswith("c.html") and complaint in found
