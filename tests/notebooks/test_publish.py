"""One command writes the address everywhere, nothing else holds one, and a release that does not fit is refused."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import exercises
import first_cell
import publish
import pytest
import release
from first_cell import NOTEBOOKS, REPOSITORY
from release import git

ADDRESS = "https://github.com/owner/name"
TAG = first_cell.tag()
# Where an address of the project may stand: what is cloned, installed or opened, and whatever is called like it.
OF_THE_PROJECT = re.compile(
    r"git clone (?P<clone>\S+)|git\+(?P<install>https?:[^\s\"'{]+)|repository-code: *(?P<cited>http\S+)"
    r"|COURSE = \\?\"(?P<cell>[^\"\\]+)|colab\.research\.google\.com/github/(?P<colab>[\w.-]+/[\w.-]+)"
    r"|mybinder\.org/v2/gh/(?P<binder>[\w.-]+/[\w.-]+)|(?P<named>https?://[\w./-]*\blrcn-(?:course|utils)\b[\w.-]*)"
)


def addresses(text: str) -> set[str]:
    """Every address of the project in ``text``, without a release; what a program fills in is none."""
    found = (match[match.lastgroup] for match in OF_THE_PROJECT.finditer(text))
    return {re.sub(r"(@v[\d.]+|[.,;:)>`]+)$", "", part) for part in found if "{" not in part}


def ours() -> set[str]:
    return {first_cell.address(), first_cell.address().removeprefix("https://github.com/")}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [REPOSITORY / name for name in listed.stdout.split("\0") if (REPOSITORY / name).is_file()]


def test_what_is_made_from_the_address_is_fresh():
    assert publish.stale() == [], "run `make publish`"


def test_nothing_tracked_holds_an_address_that_no_owner_has_set():
    own = Path(__file__).resolve()
    texts = [path for path in tracked() if path.suffix not in {".safetensors", ".webp"} and path.resolve() != own]
    found = {path.name: addresses(path.read_text(encoding="utf-8")) - ours() for path in texts}
    assert {name: others for name, others in found.items() if others} == {}


@pytest.mark.parametrize(
    "line",
    [
        "git clone https://github.com/a/b && cd b",
        '%pip install "lrcn-utils @ git+https://gitlab.com/a/b@v0.1.0"',
        r"\"COURSE = \"https://github.com/a/b@v0.1.0\"\n",
        "[x](https://colab.research.google.com/github/a/b/blob/main/n.ipynb)",
        "(https://mybinder.org/v2/gh/a/b/main)",
        "repository-code: https://github.com/a/b",
        "see https://pypi" + ".org/project/lrcn-utils.",
    ],
)
def test_an_address_would_be_found_wherever_it_stands(line):
    assert len(addresses(line)) == 1 and not addresses(line) & ours()


def test_nobody_is_told_to_install_a_name_that_anybody_may_register():
    """pip takes a bare name, or one with extras, from the package index, where the course's name is not ours."""
    advice = re.compile(r"pip install[^\n]*[\s'\"]lrcn[-_]utils(?!\S* @ )")
    texts = [path for path in tracked() if path.suffix in {".py", ".md", ".ipynb", ".toml", ".yml", ".sh", ""}]
    texts = [path for path in texts if path.resolve() != Path(__file__).resolve()]
    assert [path.name for path in texts if advice.search(path.read_text(encoding="utf-8"))] == []
    assert advice.search("pip install 'lrcn-utils[flow]'")
    assert not advice.search('%pip install --quiet "lrcn-utils[flow] @ git+{COURSE}"')


def run_first_cell(monkeypatch, there: bool) -> list[str]:
    """What the first cell hands to pip, where the package is ``there`` or not."""
    found = object() if there else None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    asked, names = [], {"pip": lambda line: asked.append(line)}
    source = re.sub(r"%pip (.*)", r"pip(f'''\1''')", first_cell.first_cell())
    exec(source, names)
    return asked


def test_without_an_address_the_first_cell_says_what_to_set(monkeypatch):
    monkeypatch.setattr(first_cell, "address", lambda: "https://course.invalid/course")
    assert run_first_cell(monkeypatch, there=True) == []
    with pytest.raises(AssertionError, match="^Set COURSE to the https address of the course.$"):
        run_first_cell(monkeypatch, there=False)


def test_with_an_address_the_first_cell_installs_its_release(monkeypatch):
    monkeypatch.setattr(first_cell, "address", lambda: ADDRESS)
    assert run_first_cell(monkeypatch, there=True) == []
    (line,) = run_first_cell(monkeypatch, there=False)
    assert line.endswith(f'"lrcn-utils[flow,metrics] @ git+{ADDRESS}@{TAG}"')


def test_lines_of_the_set_up_fit_a_page(monkeypatch):
    for address in ("https://course.invalid/course", "https://github.com/an-owner-of-a-course/long-name-of-a-course"):
        monkeypatch.setattr(first_cell, "address", lambda address=address: address)
        assert max(map(len, first_cell.first_cell().splitlines())) <= 90


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder of a published clone, with origin and tag; the tools work in it instead of in this one."""
    folder = tmp_path_factory.mktemp("course")
    for path in tracked():
        if path.suffix not in {".safetensors", ".webp"} and "tests" not in path.parts:
            (folder / path.relative_to(REPOSITORY)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.relative_to(REPOSITORY))
    log = folder / "CHANGELOG.md"
    log.write_text(log.read_text(encoding="utf-8") + f"\n## {TAG[1:]}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for module in (first_cell, exercises, publish, release):
            for name, value in vars(module).items():
                if isinstance(value, Path):
                    patch.setattr(module, name, folder / value.relative_to(REPOSITORY))
        git("init", "--quiet")
        git("remote", "add", "origin", "git@github.com:owner/name.git")
        publish.main(f"{ADDRESS}.git/")
        git("add", ".")
        git(
            "-c", "user.name=Owner", "-c", "user.email=owner@example.org", "commit", "--quiet", "--message", "published"
        )
        git("tag", TAG)
        yield folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def test_one_command_writes_it_everywhere(course):
    assert f"git clone {ADDRESS} && cd name\nmake lab" in (course / "README.md").read_text(encoding="utf-8")
    assert f"repository-code: {ADDRESS}\n" in (course / "CITATION.cff").read_text(encoding="utf-8")
    for path in NOTEBOOKS.rglob("*.ipynb"):
        name = path.relative_to(NOTEBOOKS).as_posix()
        cells = json.loads((course / "notebooks" / name).read_text(encoding="utf-8"))["cells"]
        link = f"[Open in Colab](https://colab.research.google.com/github/owner/name/blob/{TAG}/notebooks/{name})"
        assert link in "".join(cells[0]["source"])
        assert f'COURSE = "{ADDRESS}@{TAG}"\n' in next(c["source"] for c in cells if c["cell_type"] == "code")
    assert not any(b".invalid" in (course / name).read_bytes() for name in ("pyproject.toml", "README.md"))


def test_badges_are_pictures_of_the_project(course):
    badges = re.findall(r"\[!\[[^]]+\]\(([^)]+)\)\]\((\S+)\)", (course / "README.md").read_text(encoding="utf-8"))
    assert len(badges) == 2
    for picture, target in badges:
        assert (course / picture).read_text(encoding="utf-8").startswith("<svg ")
        assert "owner/name" in target and TAG in target


def test_a_second_run_changes_nothing(course):
    before = contents(course)
    publish.main()
    assert contents(course) == before


@pytest.mark.parametrize("url", ["http://github.com/a/b", "https://gitlab.com/a/b", "https://github.com/a", "a/b"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(SystemExit, match="want REPO=https://github.com/OWNER/NAME"):
        publish.plain(url)


def test_a_release_that_fits_passes(course):
    assert release.complaints() == []


def test_each_thing_that_does_not_fit_is_named(course):
    readme = course / "README.md"
    text = readme.read_text(encoding="utf-8")
    git("remote", "set-url", "origin", "https://github.com/another/name")
    git("tag", "--delete", TAG)
    readme.write_text(text.replace("git clone https://github.com/owner", "git clone https://github.com/x"), "utf-8")
    stale, origin, tag, changed = release.complaints()
    assert stale.startswith("README.md: not what the address")
    assert origin == f"origin is https://github.com/another/name, and the address {ADDRESS}"
    assert f"the tag {TAG} is not there" in tag and "not committed" in changed


def test_without_an_address_there_is_no_release(monkeypatch):
    monkeypatch.setattr(release, "published", lambda: False)
    (line,) = release.complaints()
    assert "make publish" in line
