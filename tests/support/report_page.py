"""A report as a browser reads it."""

import re
from html.parser import HTMLParser
from pathlib import Path

from ubam.report.page import write_report

VOID = {"meta", "link", "img", "input", "br", "hr", "rect", "line", "circle", "path"}


class Page(HTMLParser):
    """Reads a page: are its tags balanced, its ids unique, what do its links and sources say, what text is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "poster", "srcset", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def write_and_read(run: Path) -> tuple[str, Page]:
    """Write the report of a run; its text, and its page, which must be well formed."""
    text = write_report(run).read_text(encoding="utf-8")
    page = Page(text)
    assert not page.open, page.open
    assert not page.wrong, page.wrong
    assert len(page.ids) == len(set(page.ids))
    return text, page
