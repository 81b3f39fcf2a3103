"""Pack the course for a room without a network, as `make offline` does: one archive in build/, with its own installer.

python docs/tools/offline.py
python docs/tools/offline.py --without torch torchvision    where the class's machines have PyTorch already

The archive holds the files of the clone, Toy Kitchen with its flow, and a wheel of every package that `make lab`
installed here, at its version here. It serves machines of this system, processor and Python.
"""

import argparse
import importlib.metadata as metadata
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from first_cell import REPOSITORY, project
from install_offline import this_machine
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lrcn_utils import environment

BUILD = REPOSITORY / "build" / "offline"
INSTALLER = Path(__file__).with_name("install_offline.py")
TOP = "lrcn-course"
MADE_AGAIN = ("cache", "progress.json")


def needed(name: str, extras: set[str], without: set[str]) -> dict[str, str]:
    """Version by name of ``name`` with its ``extras`` and of all it needs, as installed here.

    Neither the packages ``without`` nor what they alone need are among them. Raises PackageNotFoundError where one is
    not installed.
    """
    found, waiting, seen = {}, [(canonicalize_name(name), frozenset(extras))], set()
    while waiting:
        package, wanted = waiting.pop()
        if package in without or (package, wanted) in seen:
            continue
        seen.add((package, wanted))
        found[package] = metadata.version(package)
        for need in map(Requirement, metadata.requires(package) or []):
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in wanted | {""}):
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return found


def fetch_wheels(versions: dict[str, str], folder: Path) -> None:
    """Put a wheel of each package into ``folder``; pip builds those that come as sources only."""
    pins = [f"{name}=={version}" for name, version in sorted(versions.items())]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder)]
    subprocess.run([*command, *pins, "setuptools>=77"], check=True)


def tracked() -> Iterator[Path]:
    """The files of the course that git knows, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).exists():
            yield Path(name)


def archive_name() -> str:
    machine = this_machine()
    return f"{TOP}-{project()['version']}-python{machine['python']}-{machine['platform']}.zip"


def pack(wheels: Path, kitchen: Path, file: Path) -> None:
    """Write the archive. Nothing is compressed: wheels, pictures and films are already."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(INSTALLER, f"{TOP}/install.py")
        archive.writestr(f"{TOP}/wheels/made_for.json", json.dumps(this_machine()))
        for name in tracked():
            archive.write(REPOSITORY / name, f"{TOP}/{name.as_posix()}")
        for wheel in sorted(wheels.glob("*.whl")):
            archive.write(wheel, f"{TOP}/wheels/{wheel.name}")
        for path in sorted(kitchen.rglob("*")):
            place = path.relative_to(kitchen)
            if path.is_file() and place.parts[0] not in MADE_AGAIN:
                archive.write(path, f"{TOP}/data/toy_kitchen/{place.as_posix()}")


def main(arguments: list[str] | None = None, build: Path = BUILD) -> Path:
    """Make the archive in ``build``, which is emptied first; its path."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without", nargs="*", default=[], help="packages whose wheels stay out, with what they need")
    options = parser.parse_args(arguments)
    kitchen = environment.data_root() / "toy_kitchen"
    if not (kitchen / "flow" / "complete").exists():
        raise SystemExit(f"{kitchen} with its flow is not complete: run `make toy`")
    versions = needed("lrcn-utils", {"dev"}, {canonicalize_name(name) for name in options.without})
    del versions["lrcn-utils"]
    shutil.rmtree(build, ignore_errors=True)
    fetch_wheels(versions, build / "wheels")
    file = build / archive_name()
    pack(build / "wheels", kitchen, file)
    shutil.rmtree(build / "wheels")
    print(f"{file}: {len(versions)} packages, {file.stat().st_size / 1e9:.2f} GB")
    return file


if __name__ == "__main__":
    main()
