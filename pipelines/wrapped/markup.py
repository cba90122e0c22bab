"""HTML that is safe by construction: every text is escaped unless it was made here."""

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def el(name: str, *children: object, **attributes: object) -> Markup:
    """An element.

    Args:
        name: Its name.
        children: Markup as it is; everything else as escaped text; None is left out.
        attributes: `class_` is class, `data_x` is data-x; None is left out.

    Returns:
        The element.
    """
    inner = "".join(text(child) for child in children if child is not None)
    return Markup(f"<{name}{_attributes(attributes)}>{inner}</{name}>")


def join(*parts: object) -> Markup:
    """Elements one after the other."""
    return Markup("".join(text(part) for part in parts if part is not None))


def text(value: object) -> Markup:
    """A value as HTML."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def _attributes(attributes: dict[str, object]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
