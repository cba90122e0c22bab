"""Reads a page back as a machine would: its facts, its lists, its text."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Facts by id, lists as (id, plays, ms), every tag, and all text outside the style sheet."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.facts: dict[str, str] = {}
        self.lists: dict[str, list[tuple[str, int, int]]] = {}
        self.tags: list[str] = []
        self.queries: list[str] = []
        self.words: list[str] = []
        self._list = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        if tag == "data":
            self.facts[given["id"]] = given["value"]
        elif tag == "ol":
            self._list = given["id"]
            self.lists[self._list] = []
        elif tag == "li" and "data-id" in given:
            item = given["data-id"], int(given["data-plays"]), int(given["data-ms"])
            self.lists[self._list].append(item)
        elif tag == "code":
            self.queries.append("")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["style"]:
            return
        self.words.append(data)
        if self.tags[-1:] == ["code"] and not self.queries[-1]:
            self.queries[-1] = data

    @property
    def text(self) -> str:
        """All text, spaces made single."""
        return " ".join(" ".join(self.words).split())
