"""dbt's part in the warehouse: the candidate, with every constraint that the gold models declare.

dbt sees constant schema names and no run id, since a changed variable or environment variable costs a full parse. The
connection reaches it by environment variables of this process, for the time of one call.

Data flow: schema `landing` -> dbt target `serve` (models/serve) -> schema `candidate`
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.dbt_run import answered, faults_of
from pipelines.settings import Settings
from sources.problem import Problem, RedAudit

# what Postgres says when rows break a constraint, and what the materialization says when columns break the contract
AUDITS = ("violates", "could not create unique index", "contains null values", "contract of", "Got ")


@dataclass(frozen=True)
class Project:
    """A dbt project and where it may write.

    Attributes:
        folder: Holds dbt_project.yml and profiles.yml.
        target: Of the target `serve` alone, so that its parsed state is kept from run to run.
        logs: Folder of dbt's log.
    """

    folder: Path
    target: Path
    logs: Path


def project_of(settings: Settings) -> Project:
    """The project's own dbt project, with its places in the profile's data folder."""
    return Project(settings.root / "dbt", settings.data_dir / "build" / "dbt-serve", settings.data_dir / "logs")


def build_candidate(project: Project, connection: Mapping[str, str]) -> None:
    """Builds and audits schema `candidate` from schema `landing`.

    Args:
        project: The dbt project.
        connection: Parameters of libpq: host, port, user, password, dbname, sslmode, sslrootcert, sslcert, sslkey.

    Raises:
        RedAudit: Rows break a constraint, a contract or a test.
        Problem: dbt could not do its work.
    """
    asked = ("build", "--target", "serve", "--select", "path:models/serve")
    with _environment(_variables(connection)):
        answer = answered(project.folder, project.target, project.logs, *asked)
    if not answer.success:
        raise _problem(answer, project)


def _variables(connection: Mapping[str, str]) -> dict[str, str]:
    return {
        "LAKEHOUSE_SERVE_HOST": connection.get("host", "localhost"),
        "LAKEHOUSE_SERVE_PORT": connection.get("port", "5432"),
        "LAKEHOUSE_SERVE_USER": connection.get("user", ""),
        "LAKEHOUSE_SERVE_DATABASE": connection.get("dbname", ""),
        "LAKEHOUSE_SERVE_SSLMODE": connection.get("sslmode", "prefer"),
        "LAKEHOUSE_SERVE_SSLROOTCERT": connection.get("sslrootcert", ""),
        "LAKEHOUSE_SERVE_SSLCERT": connection.get("sslcert", ""),
        "LAKEHOUSE_SERVE_SSLKEY": connection.get("sslkey", ""),
        "DBT_ENV_SECRET_SERVE_PASSWORD": connection.get("password", ""),
    }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _problem(answer: Any, project: Project) -> Problem:
    texts = [f"{run.node.name} ({' '.join(str(run.message).split())[:300]})" for run in faults_of(answer)]
    text = "; ".join(texts[:3]) or " ".join(str(answer.exception).split())[:300]
    if any(sign in text for sign in AUDITS):
        return RedAudit(f"The warehouse's audit is red and nothing was published: {text}.")
    return Problem(
        f"dbt could not build the candidate: {text}. Nothing was published. Check that the server of "
        f"DESTINATION__WAREHOUSE__CREDENTIALS runs, then run again; dbt's log is in {project.logs}."
    )
