"""Check the built site: every internal link leads somewhere, no page is heavy, nothing is fetched from elsewhere."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

MOST_BYTES = 3_000_000


class Page(HTMLParser):
    """The links, loaded resources and anchors of one page."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.links, self.loaded, self.anchors = path, [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "link" and found.get("rel") in ("stylesheet", "preload", "modulepreload"):
            self.loaded.append(found["href"])
        if tag in ("script", "img", "video", "source") and found.get("src"):
            self.loaded.append(found["src"])


def complaints(site: Path) -> list[str]:
    pages = {path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}
    found = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            found += broken(link, path, pages)
        found += [f"{path.name}: loads {link}" for link in page.loaded if foreign(link)]
        weight = path.stat().st_size + sum(size(link, path) for link in set(page.loaded))
        if weight > MOST_BYTES:
            found.append(f"{path.name}: {weight / 1e6:.1f} MB with all it loads; 3 MB are allowed")
    return found


def foreign(link: str) -> bool:
    return urlsplit(link).scheme in ("http", "https")


def target(link: str, path: Path) -> Path | None:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    return (path.parent / unquote(parts.path)).resolve() if parts.path else path


def size(link: str, path: Path) -> int:
    file = target(link, path)
    return file.stat().st_size if file and file.is_file() else 0


def broken(link: str, path: Path, pages: dict[Path, Page]) -> list[str]:
    file = target(link, path)
    if file is None:
        return []
    if not file.exists():
        return [f"{path.name}: {link} leads nowhere"]
    anchor = unquote(urlsplit(link).fragment)
    known = {page.resolve(): content for page, content in pages.items()}
    if anchor and file in known and anchor not in known[file].anchors:
        return [f"{path.name}: {link} has no such anchor"]
    return []
