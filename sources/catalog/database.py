"""The catalog database: opening it, and turning what it complains of into something that a person can act on.

SQLAlchemy alone, so that a run which finds nothing new never loads dlt's machinery, pyarrow or connectorx for it.

Data flow: SQLAlchemy URL -> Engine
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    import sqlalchemy as sa

SETTING = "SOURCES__CATALOG__CREDENTIALS"
MYSQL = ("mysql", "mariadb")
SHIPPED = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql", "postgresql": "postgresql+psycopg2"}
"""The driver for a URL that names none."""
SECONDS = {"connect_timeout": 10, "read_timeout": 300, "write_timeout": 300}
"""How long a MySQL server may keep silent; a URL that names them has its own. Sums over a large table take minutes."""
_SESSION = "set session time_zone = '+00:00', sql_mode = concat({}, ',STRICT_ALL_TABLES')"


def open_database(url: str, *, create: bool = False) -> "sa.Engine":
    """An engine for the catalog; nothing is connected yet.

    Args:
        url: Any SQLAlchemy URL.
        create: Make a SQLite file (and its folder) when it is missing.

    Raises:
        UsageProblem: The URL is none, or its driver is not installed.
        Problem: The SQLite file is missing.
    """
    import sqlalchemy as sa

    try:
        address = sa.make_url(url)
        address = address.set(drivername=SHIPPED.get(address.drivername, address.drivername))
        engine = sa.create_engine(address, **_options(address))
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        raise UsageProblem(
            f"The catalog's database URL cannot be used ({_first_line(error, url)}): set {SETTING} to a SQLAlchemy "
            "URL such as mysql+pymysql://user:password@host/spotify or sqlite:////path/catalog.db."
        ) from None
    if engine.dialect.name == "sqlite":
        _check_file(engine.url.database, create)
    if engine.dialect.name in MYSQL:
        sa.event.listen(engine, "connect", _prepare_mysql)
    return engine


def patience(url: "sa.URL") -> int:
    """Seconds that a MySQL server may take for an answer."""
    return int(str(url.query.get("read_timeout", SECONDS["read_timeout"])))


def place(engine: "sa.Engine") -> str:
    """Where the database is, without the password or other arguments."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def explained(engine: "sa.Engine", doing: str) -> Iterator[None]:
    """Turn a database error within the block into a Problem.

    Raises:
        Problem: What the database said, in one paragraph.
    """
    import sqlalchemy as sa

    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        said = _first_line(getattr(error, "orig", None) or error, engine.url.render_as_string(hide_password=False))
        raise Problem(f"{doing} failed at {place(engine)}: {said}. Check {SETTING} and the database.") from error


def _options(url: "sa.URL") -> dict[str, Any]:
    if url.get_backend_name() not in MYSQL:
        return {}
    bounds = SECONDS if url.get_driver_name() == "pymysql" else {"connect_timeout": SECONDS["connect_timeout"]}
    own = {name: seconds for name, seconds in bounds.items() if name not in url.query}
    return {"connect_args": {"charset": "utf8mb4", **own}, "pool_pre_ping": True}


def _prepare_mysql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        # text in statements is escaped with backslashes
        cursor.execute(_SESSION.format("replace(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '')"))


def _check_file(name: str | None, create: bool) -> None:
    if not name or name == ":memory:" or name.startswith("file:"):
        return
    if create:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    elif not Path(name).exists():
        raise Problem(
            f"The catalog's SQLite file {name} does not exist: set {SETTING}, or fill it with import-catalog."
        )


def _first_line(error: BaseException, url: str) -> str:
    arguments: list[object] = [*getattr(error, "args", ()), None, None]
    told = str(arguments[1] or error).splitlines() or [type(error).__name__]
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    return told[0].replace(password, "***") if password else told[0]
