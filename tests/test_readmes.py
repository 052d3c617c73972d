"""The READMEs are true: every module is on its room's map, and what they name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "app/README.md", "nn/README.md",
    "tests/README.md", "nn/lessons/LESSONS.md",
]  # fmt: skip
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"(?<![\w./-])(?:nn|app|tests|assets|models|\.github|\.ci)/[\w./-]*\w")
MODULE = re.compile(r"python -m ((?:nn|app|tests)[\w.]*\w)")
pages = pytest.mark.parametrize("page", [ROOT / name for name in PAGES], ids=PAGES)


def text_of(page):
    return page.read_text(encoding="utf-8")


def anchors(page):
    """What GitHub calls the headings of a page in links."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing(page):
    """The relative links, paths and modules on a page that lead nowhere."""
    for link in LINK.findall(text_of(page)):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                yield link
    yield from (path for path in PATH.findall(text_of(page)) if not (ROOT / path).exists())
    for module in MODULE.findall(text_of(page)):
        path = ROOT / module.replace(".", "/")
        if not path.with_suffix(".py").is_file() and not (path / "__main__.py").is_file():
            yield module


@pages
def test_links_paths_and_modules_lead_somewhere(page):
    assert list(missing(page)) == []


def test_what_leads_nowhere_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A head\n[a](#a-head) [b](#b) [c](no.md) `nn/train.py` `nn/no.py` `python -m nn.no`\n",
        encoding="utf-8",
    )
    assert list(missing(page)) == ["#b", "no.md", "nn/no.py", "nn.no"]


@pytest.mark.parametrize("room", ["nn", "app"])
def test_every_module_and_folder_stands_once_on_the_map_of_its_room(room):
    the_map = re.split(r"^## (.+)\n", text_of(ROOT / room / "README.md"), flags=re.MULTILINE)
    links = LINK.findall(the_map[the_map.index("The map") + 1])
    files = [path.relative_to(ROOT / room) for path in (ROOT / room).rglob("*.py")]
    modules = [path.as_posix() for path in files if path.name != "__init__.py"]
    folders = {path.parent.as_posix() for path in files} - {"."}
    assert sorted(link for link in links if link.endswith(".py")) == sorted(modules)
    assert sorted(link for link in links if not link.endswith(".py")) == sorted(folders)


def test_the_front_page_is_short():
    assert len(text_of(ROOT / "README.md").split()) <= 1000
