"""The layout of the package is its architecture: who may import whom, and what the rooms may know."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "lrcn_utils"
UPPER_FLOOR = {"training", "inference", "widgets", "checks"}
GROUND_FLOOR = {"data", "models", "decoding", "metrics", "plots"}
ROOT = {"environment", "paper"}
COMMANDS = {"evaluate", "export", "extract", "predict"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Full names of all modules that ``path`` imports, wherever in the file, relative ones resolved."""
    package = ["lrcn_utils", *path.relative_to(PACKAGE).parts[:-1]]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return names


def rooms_entered(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("lrcn_utils.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_imports_upwards_or_across(path):
    own, entered = room(path), rooms_entered(path)
    if own in GROUND_FLOOR:
        assert entered <= {own}, f"{path.name}: a ground-floor room imports {entered - {own}}"
    elif own == "training":
        assert not entered & {"inference", "widgets", "checks", "plots", *COMMANDS}, f"{path.name} imports {entered}"
    elif own in {"inference", *COMMANDS}:
        others = {"widgets", "checks", "plots", *COMMANDS} - {own}
        assert not entered & others, f"{path.name}: {own} imports {entered}"
    elif own == "paper":
        assert not entered


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_plots_and_widgets_draw(path):
    tops = {name.split(".")[0] for name in imports(path)}
    if room(path) not in {"plots", "widgets"}:
        assert "matplotlib" not in tops, f"{path.name}: only plots and widgets know matplotlib"
    if room(path) != "widgets":
        assert "ipywidgets" not in tops, f"{path.name}: only widgets know ipywidgets"


def test_every_room_has_a_known_name():
    rooms = {room(path) for path in MODULES} - {"__init__"}
    assert rooms <= UPPER_FLOOR | GROUND_FLOOR | ROOT | COMMANDS


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_are_short_and_named_for_what_they_are(path):
    assert path.stem not in {"utils", "helpers", "common"}
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 420, f"{path.name} has {lines} lines; does it hold one idea?"
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stat().st_size < 2, path


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="no clone: git cannot tell what the course holds")
def test_a_student_finds_nothing_but_lessons_among_the_notebooks():
    kept = subprocess.run(["git", "ls-files", "notebooks"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    others = [path for path in kept.stdout.splitlines() if not path.endswith(".ipynb")]
    assert kept.stdout and not others, f"{others}: site and tools stand in docs/"


def test_imports_do_not_run_in_a_circle():
    graph = {}
    for path in MODULES:
        name = ".".join(["lrcn_utils", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        graph[name] = imports(path)
    modules = set(graph)
    for name, targets in graph.items():
        # `from package import module`, inside that package, needs the module and not what the package exports.
        if any(target.rpartition(".")[0] == name.rpartition(".")[0] for target in targets & modules):
            targets.discard(name.rpartition(".")[0])
    edges = {name: {target for target in targets & modules if target != name} for name, targets in graph.items()}
    visiting, done = [], set()

    def visit(name):
        assert name not in visiting, "a circle: " + " -> ".join([*visiting[visiting.index(name) :], name])
        if name in done:
            return
        visiting.append(name)
        for target in sorted(edges[name]):
            visit(target)
        done.add(visiting.pop())

    for name in sorted(modules):
        visit(name)


def readers(path: Path) -> set[str]:
    """Full names, as "lrcn_utils.room.module.name", of what the file (or a notebook's code) at ``path`` takes."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        source = re.sub(r"^(\s*)%.*", r"\1pass", source, flags=re.MULTILINE)
    else:
        source = path.read_text(encoding="utf-8")
    tree, taken, modules = ast.parse(source), set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lrcn_utils"):
            for alias in node.names:
                taken.add(f"{node.module}.{alias.name}")
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            taken.add(f"{modules[node.value.id]}.{node.attr}")
    return taken


def test_every_public_function_of_training_is_read_by_another_module():
    """What only its own module calls has a name that begins with an underscore."""
    files = [*MODULES, *REPOSITORY.glob("notebooks/*.ipynb"), *REPOSITORY.glob("data_scripts/*.py")]
    taken = {path: readers(path) for path in files}
    for path in MODULES:
        if room(path) != "training" or path.stem == "__main__":
            continue
        module = ".".join(["lrcn_utils", *path.relative_to(PACKAGE).with_suffix("").parts])
        functions = [n.name for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.FunctionDef)]
        for name in functions:
            others = any(f"{module}.{name}" in names for other, names in taken.items() if other != path)
            assert name.startswith("_") or others, f"{module}.{name} has no reader outside its module"


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) == "training"], ids=lambda path: path.stem)
def test_modules_of_training_are_short(path):
    assert path.read_text(encoding="utf-8").count("\n") <= 250


def test_the_linter_sees_every_module():
    shown = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--show-files"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = {Path(line) for line in shown.stdout.splitlines()}
    everything = {*MODULES, *(REPOSITORY / "tests").rglob("*.py"), *(REPOSITORY / "data_scripts").rglob("*.py")}
    assert everything - seen == set()
