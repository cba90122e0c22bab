"""Reads a page back as a machine would: its facts, its lists, its text."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Facts by id, lists as (id, plays, ms), the words of their items, every tag, and all text outside the style sheet."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.facts: dict[str, str] = {}
        self.lists: dict[str, list[tuple[str, int, int]]] = {}
        self.items: dict[str, list[str]] = {}
        self.marks: list[str] = []
        self.tags: list[str] = []
        self.queries: list[str] = []
        self.words: list[str] = []
        self._list = self._inside = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = "li" if tag == "li" else self._inside
        given = {name: value or "" for name, value in attrs}
        if tag == "data":
            self.facts[given["id"]] = given["value"]
        elif tag == "ol":
            self._list = given["id"]
            self.lists[self._list] = []
            self.items[self._list] = []
        elif tag == "title":
            self.marks.append("")
        elif tag == "li":
            self.items[self._list].append("")
            if "data-id" not in given:
                return
            item = given["data-id"], int(given["data-plays"]), int(given["data-ms"])
            self.lists[self._list].append(item)
        elif tag == "code":
            self.queries.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "li":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["style"]:
            return
        self.words.append(data)
        if self._inside == "li":
            self.items[self._list][-1] = f"{self.items[self._list][-1]} {data}".strip()
        if self.tags[-1:] == ["title"] and not self.marks[-1]:
            self.marks[-1] = data
        if self.tags[-1:] == ["code"] and not self.queries[-1]:
            self.queries[-1] = data

    @property
    def text(self) -> str:
        """All text, spaces made single."""
        return " ".join(" ".join(self.words).split())
