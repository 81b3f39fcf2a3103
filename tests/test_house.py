"""The layout of the package is its architecture: who may import whom, and what the rooms may know."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "lrcn_utils"
UPPER_FLOOR = {"training", "widgets", "checks"}
GROUND_FLOOR = {"data", "models", "decoding", "metrics", "plots"}
ROOT = {"environment", "paper"}
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
        assert not entered & {"widgets", "checks", "plots"}, f"{path.name}: training imports {entered}"
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
    assert rooms <= UPPER_FLOOR | GROUND_FLOOR | ROOT


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_are_short_and_named_for_what_they_are(path):
    assert path.stem not in {"utils", "helpers", "common"}
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 420, f"{path.name} has {lines} lines; does it hold one idea?"
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stat().st_size < 2, path


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
