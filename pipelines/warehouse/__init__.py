"""Where gold is published: Postgres, or a DuckDB file.

Both keep the same promise. Readers see the gold of one run, whole: the old one until the very end, then the new one.
Nothing is published that was not counted again where it landed. The generation before is kept, to go back to. `ops`
tells of every run, whatever its end, and belongs to no generation.

Data flow: build database (schema gold, audited) -> Warehouse.publish -> `gold.*` of one generation; runs -> `ops.*`
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import duckdb

    from pipelines.settings import Settings
    from pipelines.warehouse.gold import GoldTable

GOLD, OPS = "gold", "ops"


@dataclass(frozen=True)
class TableState:
    """What a table holds, in few numbers.

    Attributes:
        rows: Number of rows.
        key_checksum: Sum over rows of the first 15 hex digits of md5 of the key, parts joined by U+001F.
        digest: Digest of all values, whatever the order of rows; equal means unchanged.
        columns: Type of each column by name, in the warehouse's own spelling.
        months: Digest of each month's rows by its first day, where the table is summed by month.
    """

    rows: int
    key_checksum: int
    digest: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    months: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Generation:
    """One published state of gold.

    Attributes:
        run_id: The run that built it.
        fingerprint: What it was built from.
        profile: The environment that it belongs to.
        published_at: UTC.
        tables: State of each table by name.
        previous: Run of the generation that `rollback` goes back to; None when there is none.
        held_back: Fingerprint of the newer generation that a rollback took away; None when this is the newest.
    """

    run_id: str
    fingerprint: str
    profile: str
    published_at: datetime
    tables: Mapping[str, TableState]
    previous: str | None = None
    held_back: str | None = None


@dataclass(frozen=True)
class RunRecord:
    """One row of `ops.pipeline_runs`."""

    run_id: str
    started_at: datetime
    ended_at: datetime
    state: str
    exit_code: int
    rows: int
    seconds: float


@dataclass(frozen=True)
class Reconciliation:
    """One row of `ops.reconciliation`: what one station holds of one table.

    Attributes:
        station: `source`, `bronze`, `silver`, `gold` or `published`.
        explained: Whether it equals the station before, or the difference has a reason.
    """

    run_id: str
    table_name: str
    station: str
    rows: int
    key_checksum: int | None
    explained: bool


Permit = Callable[[], None]


def unasked() -> None:
    """Nobody else may publish here: always permitted."""


class Warehouse(Protocol):
    """A place where gold is published."""

    def published(self) -> Generation | None:
        """The generation that readers see now, read in one cheap look; None before the first publish.

        Raises:
            Problem: The warehouse cannot be reached.
        """

    def publish(
        self,
        build: Path,
        run_id: str,
        fingerprint: str,
        tables: Sequence["GoldTable"],
        migrate: bool = False,
        *,
        permit: "Permit" = unasked,
    ) -> Generation:
        """Makes the gold of an audited build what readers see, in one step.

        A new column goes last. Any other change of columns needs `migrate`. A generation with this fingerprint that a
        rollback took away is brought back as it was. Publishing what is published does nothing.

        Args:
            build: The build database; nothing may hold it open for writing.
            run_id: Names the generation.
            fingerprint: What the build was made from.
            tables: The gold tables of the dbt project (`gold.read_tables`).
            migrate: Allow columns and tables to go or change; what depends on them is made again or named.
            permit: Asked when all else is done, right before readers see it; what it raises stops the publish.

        Raises:
            RedAudit: Rows, keys or constraints do not hold in the warehouse.
            Problem: Anything else; readers still see what they saw.
        """

    def rollback(self) -> Generation:
        """Makes the generation before what readers see, in one step, with the columns that it had.

        Raises:
            Problem: There is none.
        """

    def record_run(self, run: RunRecord) -> None:
        """Writes how a run ended; a record of the same run is replaced."""

    def record_reconciliation(self, rows: Sequence[Reconciliation]) -> None:
        """Adds what the stations of a run hold."""

    def is_counted(self, run_id: str) -> bool:
        """Whether gold was counted where readers see it since a generation was published, and agreed the last time.

        A run that was killed between the two leaves a generation that was not.

        Args:
            run_id: The run that published the generation.

        Raises:
            Problem: The warehouse cannot be reached.
        """

    def attach(self, connection: "duckdb.DuckDBPyConnection") -> list[str]:
        """Lets a DuckDB connection read `gold.*` and `ops.*`.

        Returns:
            Entries for its search path, such as `warehouse.gold`.
        """

    def watched(self) -> AbstractContextManager[object]:
        """While what is attached is read: a warehouse that falls silent ends the reading.

        Raises:
            Problem: It fell silent.
        """

    def check(self) -> str:
        """One line on how the warehouse is, for `doctor`.

        Raises:
            Problem: It cannot be used; the message says why and what to do.
        """


def open_warehouse(settings: "Settings") -> Warehouse:
    """The warehouse that the settings name; nothing is connected yet."""
    if settings.warehouse.is_postgres:
        from pipelines.warehouse.postgres import PostgresWarehouse
        from pipelines.warehouse.serve import project_of

        return PostgresWarehouse(settings.warehouse.url, settings.profile, project_of(settings))
    from pipelines.warehouse.embedded import EmbeddedWarehouse

    return EmbeddedWarehouse(Path(settings.warehouse.url), settings.profile)
