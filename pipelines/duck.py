"""DuckDB itself: names and texts in SQL, extensions from wheels, files and tables of a database.

Nothing is downloaded: extensions are loaded by path from the installed wheels.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sources.problem import Problem

if TYPE_CHECKING:
    import duckdb


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def load_extension(connection: "duckdb.DuckDBPyConnection", name: str) -> None:
    """Load an extension from its wheel.

    Raises:
        Problem: The wheel is not installed.
    """
    import duckdb

    package = f"duckdb_extension_{name}"
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        wheel = package.replace("_", "-")
        raise Problem(f"DuckDB's extension {name} is not installed: pip install {wheel}=={duckdb.__version__}")
    file = f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"
    connection.execute(f"load {literal(str(Path(spec.submodule_search_locations[0]) / file))}")


def is_database(path: Path) -> bool:
    """Whether a file begins as DuckDB's do; one that was cut off, or is another file altogether, does not."""
    try:
        with path.open("rb") as file:
            return file.read(12)[8:] == b"DUCK"
    except FileNotFoundError:
        return False


def table_names(connection: "duckdb.DuckDBPyConnection", schema: str) -> list[str]:
    """Names of the base tables of a schema, sorted."""
    rows: Iterable[tuple[str]] = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ? order by 1", [schema]
    ).fetchall()
    return [name for (name,) in rows]
