"""Furnishes empty servers, so that a run finds what it needs: for compose.yaml, where servers start with nothing.

A generated catalog where there is none, a user who may SELECT from it and nothing else, the warehouse's roles. What is
there already stays as it is, so this can be run at every start.

Data flow: settings of a run, CATALOG_ADMIN -> catalog, its reader, roles

Run it: `CATALOG_ADMIN=mysql+pymysql://root:...@host/spotify python -m sandbox.servers.furnish`
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sandbox import catalog
from sandbox.servers.together import CATALOG
from sources.problem import Problem, UsageProblem

RUN = Path(__file__).resolve().parents[2] / "pipelines" / "run.py"
ADMIN = "CATALOG_ADMIN"
SEED, TRACKS = 7, 2000


def main(environment: Mapping[str, str]) -> int:
    """Furnishes the servers that the environment names.

    Returns:
        The exit code of the first command that failed, else 0.

    Raises:
        Problem: The catalog's server refused, or its admin is not named.
    """
    admin = environment.get(ADMIN)
    if not admin:
        raise UsageProblem(f"Set {ADMIN} to the URL of a user who may fill the catalog and make its reader.")
    code = 0 if _is_filled(admin) else _fill(admin, environment)
    _make_reader(admin, environment[CATALOG])
    return code or _run(["roles"], environment)


def _is_filled(url: str) -> bool:
    import sqlalchemy as sa

    engine = sa.create_engine(url)
    try:
        return sa.inspect(engine).has_table("spotify_tracks")
    except sa.exc.SQLAlchemyError as error:
        raise Problem(f"The catalog's server does not answer: {type(error).__name__}. Check {ADMIN}.") from error
    finally:
        engine.dispose()


def _fill(admin: str, environment: Mapping[str, str]) -> int:
    with tempfile.TemporaryDirectory() as place:
        catalog.write_csv(Path(place) / "csv", SEED, TRACKS)
        own = {CATALOG: admin, "LAKEHOUSE__DATA_DIR": f"{place}/data", "DESTINATION__LAKE__BUCKET_URL": f"{place}/lake"}
        return _run(["import-catalog", f"{place}/csv"], {**environment, **own})


def _make_reader(admin: str, url: str) -> None:
    import sqlalchemy as sa

    reader, engine = sa.make_url(url), sa.create_engine(admin)
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as connection:
        who = {"name": reader.username, "password": str(reader.password or "")}
        connection.execute(sa.text("create user if not exists :name@'%' identified by :password"), who)
        connection.execute(sa.text("alter user :name@'%' identified by :password"), who)
        grant = f"grant select on {quote(str(reader.database))}.* to :name@'%'"
        connection.execute(sa.text(grant), {"name": reader.username})
    engine.dispose()


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    return subprocess.call([sys.executable, str(RUN), *command], env=dict(environment))  # noqa: S603


if __name__ == "__main__":
    try:
        sys.exit(main(os.environ))
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(problem.exit_code)
