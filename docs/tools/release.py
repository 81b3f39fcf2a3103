"""Refuse a release whose origin, tag and address differ, as `make release` does before the tag is pushed.

python docs/tools/release.py

The first cell of every notebook installs the tag of this version from the address: what is there must be what is here.
"""

import re
import subprocess

from first_cell import REPOSITORY, address, project, published, tag
from publish import stale


def complaints() -> list[str]:
    """What stands in the way of the release, one line each."""
    if not published():
        return [f"the address is {address()}: set yours with `make publish REPO=https://github.com/OWNER/NAME`"]
    found = [f"{name}: not what the address and the version make it; run `make publish`" for name in stale()]
    if https(origin := git("remote", "get-url", "origin")) != https(address()):
        found.append(f"origin is {origin or 'not set'}, and the address {address()}")
    tagged, head = git("rev-parse", "--verify", "--quiet", f"{tag()}^{{commit}}"), git("rev-parse", "HEAD")
    if tagged != head:
        found.append(f"the tag {tag()} is {tagged[:10] or 'not there'}, and this commit {head[:10]}")
    if git("status", "--porcelain"):
        found.append("some files are changed and not committed")
    log = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## .*\b{re.escape(project()['version'])}\b", log, re.MULTILINE):
        found.append(f"CHANGELOG.md has no heading for {project()['version']}")
    return found


def https(url: str) -> str:
    """An address as git knows it, such as git@github.com:owner/name.git, in the form of ours."""
    url = re.sub(r"^(ssh://)?git@([^:/]+)[:/]", r"https://\2/", url)
    return url.rstrip("/").removesuffix(".git").lower()


def git(*words: str) -> str:
    """What git answers, without the end of the line; "" where it refuses."""
    done = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, encoding="utf-8")
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    if found := complaints():
        raise SystemExit("No release:\n  " + "\n  ".join(found))
    print(f"{tag()} may be pushed to {address()}.")
