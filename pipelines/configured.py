"""One setting at a time: asked of dlt's providers, made to be of its type, and checked.

A check is a function that returns what to give instead, or None.

An empty text is no value: the default counts.

Data flow: key -> environment, .dlt/*.toml -> value, or a UsageProblem that names its environment variable
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sources.problem import UsageProblem

T = TypeVar("T")


def value(key: str, default: T, check: Callable[[T], str | None] | None = None) -> T:
    """A setting of the default's type, or the default.

    Raises:
        UsageProblem: It is of another type, or the check complains.
    """
    found = _configured(key, type(default))
    if found is None or found == "":
        return default
    if check and (fault := check(found)):
        raise UsageProblem(f"{variable(key)} is {found!r}: {fault}")
    return found


def optional(key: str, check: Callable[[str], str | None] | None = None) -> str | None:
    """A text, None where there is none."""
    return value(key, "", check) or None


def secret(key: str, check: Callable[[str], str | None] | None = None) -> str | None:
    """A text that may be among the secrets; what is checked is shown in the complaint, so it is none itself."""
    import dlt

    found: str | None = dlt.secrets.get(key, str) or dlt.config.get(key, str)
    if found and check and (fault := check(found)):
        raise UsageProblem(f"{variable(key)} is {found!r}: {fault}")
    return found or None


def place(key: str, check: Callable[[str], str | None]) -> str | None:
    """Where something is; a complaint does not show it, since a password may be part of it.

    Raises:
        UsageProblem: The check complains.
    """
    found = secret(key)
    if found and (fault := check(found)):
        raise UsageProblem(f"{variable(key)} {fault}")
    return found


def path(key: str, default: Path, base: Path) -> Path:
    """A path; a relative one is below the base."""
    return (base / Path(value(key, str(default))).expanduser()).resolve()


def _configured(key: str, kind: type[T]) -> T | None:
    import dlt
    from dlt.common.configuration.exceptions import ConfigValueCannotBeCoercedException

    try:
        found: T | None = dlt.config.get(key, kind)
    except (ConfigValueCannotBeCoercedException, ValueError) as error:
        if os.environ.get(variable(key)) == "":
            return None
        raise UsageProblem(f"{variable(key)} must be of type {kind.__name__}: correct it there or in .dlt/") from error
    return found


def variable(key: str) -> str:
    """The environment variable of a setting: `lakehouse.timezone` is `LAKEHOUSE__TIMEZONE`."""
    return key.upper().replace(".", "__")


def zone(name: str) -> str | None:
    """Check of a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "no such time zone; give a name such as Europe/Berlin"
    return None


def one_of(known: tuple[str, ...]) -> Callable[[str], str | None]:
    """Check of a word."""
    return lambda word: None if word in known else f"give one of {', '.join(known)}"


def at_least(least: int) -> Callable[[int], str | None]:
    """Check of a number."""
    return lambda number: None if number >= least else f"give {least} or more"


def share(number: float) -> str | None:
    """Check of a share."""
    return None if 0 <= number <= 1 else "give a share between 0 and 1"


def lake(url: str) -> str | None:
    """Check of the lake's address: a folder, or a bucket."""
    scheme = scheme_of(url)
    if scheme in ("", "file", "s3"):
        return None
    return f"begins with {scheme}://, and is neither a folder nor s3://. Give a folder, or s3://bucket/prefix."


def warehouse(url: str) -> str | None:
    """Check of the warehouse's address: what is no Postgres would be taken for a file, its password in the name."""
    scheme = scheme_of(url)
    if scheme in ("", "postgresql", "postgres"):
        return None
    return f"begins with {scheme}://: give postgresql://..., or the path of a DuckDB file."


def catalog(url: str) -> str | None:
    """Check of the catalog's address, by the parser that will read it."""
    import sqlalchemy as sa

    try:
        sa.make_url(url).get_dialect()
    except (sa.exc.ArgumentError, ImportError, ValueError):
        return (
            "is no SQLAlchemy URL of a database that is known here: give mysql+pymysql://... or "
            "sqlite:////path/catalog.db (docs/settings.md)."
        )
    return None


def webhook(url: str) -> str | None:
    """Check of an address that is posted to."""
    return None if scheme_of(url).lower() in ("http", "https") else "is no address to post to: it begins with https://."


def scheme_of(url: str) -> str:
    """What comes before `://`, or before `:/` as a path is written that once was a URL; empty for a path."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):/", url)
    return match[1] if match else ""


def memory(text: str) -> str | None:
    """Check of an amount of memory, as DuckDB reads it."""
    return None if re.fullmatch(r"\d+ ?[MGT]i?B", text) else "give an amount such as 4GB"
