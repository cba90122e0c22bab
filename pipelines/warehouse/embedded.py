"""The embedded warehouse: a DuckDB file that is replaced as a whole.

A second file is made beside the first, counted, and renamed over it. Who has the old file open keeps it, since it is
not written to but loses its name; who opens the name gets the old gold or the new, whole. Each generation is a file of
the folder `<warehouse>.generations` with a description beside it; the warehouse's own name is a hard link to one of
them, so that the one rename also says which generation is published. `ops` lives beside it (see ops_files).

Data flow: build database -> <warehouse>.generations/<run>.duckdb -> <warehouse>
"""

import filecmp
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.duck import is_database, literal
from pipelines.store import Folder
from pipelines.warehouse import (
    GOLD,
    OPS,
    Generation,
    Permit,
    Reconciliation,
    RunRecord,
    TableState,
    evolution,
    ops,
    ops_files,
    unasked,
)
from pipelines.warehouse.gold import GoldTable, attach_build, compare, measure
from pipelines.warehouse.gold_file import CATALOG, GoldFile
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("lakehouse.warehouse")


class EmbeddedWarehouse:
    """A DuckDB file as the warehouse."""

    def __init__(self, path: Path, profile: str) -> None:
        """Names the file; nothing is opened or made."""
        self.path, self.profile = path, profile
        self.generations = path.with_name(f"{path.name}.generations")
        self.ops = path.with_name(f"{path.name}.ops")

    def published(self) -> Generation | None:
        if not self.path.exists():
            return None
        kept = list(self._all())
        current = next((found for found in kept if self._is_shown(found)), None)
        if not current:
            return None
        newer = next((found for found in kept if found.held_back and found.previous == current.run_id), None)
        return replace(current, held_back=newer.fingerprint if newer else None)

    def publish(
        self,
        build: Path,
        run_id: str,
        fingerprint: str,
        tables: Sequence[GoldTable],
        migrate: bool = False,
        *,
        permit: Permit = unasked,
    ) -> Generation:
        current = self.published()
        self._refuse_other_profile(current)
        if current and current.fingerprint == fingerprint:
            return current
        made = self._held_back(current, fingerprint)
        if made:
            _plan(current, made.tables, migrate)
        else:
            made = self._make(
                build, Generation(run_id, fingerprint, self.profile, datetime.now(UTC), {}), tables, current, migrate
            )
        permit()
        self._show(made)
        self._describe(made)
        self._drop_unneeded(made)
        log.info("publish: %s tables, %s rows", len(made.tables), sum(state.rows for state in made.tables.values()))
        return made

    def rollback(self) -> Generation:
        current = self.published()
        self._refuse_other_profile(current)
        before = self._read(current.previous) if current and current.previous else None
        if not current or not before:
            raise Problem(f"{self.path} has no generation before: nothing was rolled back.")
        self._show(before)
        self._describe(replace(current, held_back=current.fingerprint))
        return replace(before, held_back=current.fingerprint)

    def record_run(self, run: RunRecord) -> None:
        self._refuse_other_profile(self.published())
        ops_files.append(self.ops, ops.PIPELINE_RUNS, [run])

    def record_reconciliation(self, rows: Sequence[Reconciliation]) -> None:
        self._refuse_other_profile(self.published())
        ops_files.append(self.ops, ops.RECONCILIATION, rows)

    def is_counted(self, run_id: str) -> bool:
        counted = [row for row in ops_files.last(self.ops, ops.RECONCILIATION) if row.get("station") == "published"]
        newest = max((row["run_id"] for row in counted), default="")
        return newest >= run_id and all(row.get("explained") for row in counted if row["run_id"] == newest)

    def attach(self, connection: "duckdb.DuckDBPyConnection") -> list[str]:
        if self.path.exists():
            self._attach_file(connection)
        else:
            connection.execute(f"attach ':memory:' as {CATALOG}")
            connection.execute(f"create schema {CATALOG}.{GOLD}")
        # not the views within the file: they name the place where the file was made
        ops_files.create_views(connection, "memory", self.ops)
        return [f"{CATALOG}.{GOLD}", f"memory.{OPS}"]

    def _attach_file(self, connection: "duckdb.DuckDBPyConnection") -> None:
        import duckdb

        try:
            connection.execute(f"attach {literal(str(self.path))} as {CATALOG} (read_only)")
        except duckdb.IOException as error:
            reason = str(error).splitlines()[0]
            todo = "Close what holds it open for writing" if is_database(self.path) else "The next run makes it again"
            raise Problem(f"{self.path} cannot be read: {reason} {todo}.") from error

    def watched(self) -> AbstractContextManager[object]:
        return nullcontext()

    def check(self) -> str:
        folder = next(parent for parent in self.path.parents if parent.exists())
        if not os.access(folder, os.W_OK):
            raise Problem(f"{folder} cannot be written to: set DESTINATION__WAREHOUSE__CREDENTIALS to another file.")
        current = self.published()
        self._refuse_other_profile(current)
        if self.path.exists() and not current:
            return f"{self.path} is no generation of this project; the next publish replaces it"
        return f"{self.path}: {f'run {current.run_id}' if current else 'nothing published yet'}"

    def _make(
        self,
        build: Path,
        new: Generation,
        tables: Sequence[GoldTable],
        current: Generation | None,
        migrate: bool,
    ) -> Generation:
        import duckdb

        beside = self._file(new.run_id).with_suffix(".building")
        self.generations.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            attach_build(connection, build)
            built = measure(connection, "build", tables)
            work = GoldFile(connection, beside, tables, built, _plan(current, built, migrate).columns)
            found = self._changed(work, current)
            if not found or not work.is_like(found):
                found = work.fill()
            ops_files.create_views(connection, CATALOG, self.ops)
            connection.execute(f"checkpoint {CATALOG}")
        compare(built, found, str(self.path))
        beside.replace(self._file(new.run_id))
        made = replace(new, tables=found, previous=current.run_id if current else None)
        self._describe(made)
        return made

    def _changed(self, work: GoldFile, current: Generation | None) -> dict[str, TableState] | None:
        """The generation before with what changed; None where there is none that could be taken."""
        import duckdb

        if not current:
            return None
        try:
            return work.change(self._file(current.run_id), current.tables)
        except (duckdb.Error, Problem) as error:  # somebody may have written to it
            log.info("publish: filled from nothing, since %s", str(error).splitlines()[0])
            return None

    def _show(self, generation: Generation) -> None:
        """Gives the warehouse's name to a generation: the one step of a publish."""
        self._keep_foreign_file(generation)
        beside = self.generations / "next"
        beside.unlink(missing_ok=True)
        beside.hardlink_to(self._file(generation.run_id))
        # of somebody who wrote to the old file: it must not be applied to this one
        self.path.with_name(f"{self.path.name}.wal").unlink(missing_ok=True)
        beside.replace(self.path)
        beside.unlink(missing_ok=True)

    def _is_shown(self, generation: Generation) -> bool:
        file = self._file(generation.run_id)
        if not is_database(self.path):  # spoiled: the next publish makes it again
            return False
        if file.samefile(self.path):
            return True
        # a copied or restored folder has lost its hard links
        return file.stat().st_size == self.path.stat().st_size and filecmp.cmp(file, self.path, shallow=False)

    def _keep_foreign_file(self, generation: Generation) -> None:
        if self.path.exists() and not self.published():
            aside = self.path.with_name(f"{self.path.name}.before-{generation.run_id}")
            aside.hardlink_to(self.path)
            log.warning("%s was not made by this project: it is kept as %s", self.path, aside.name)

    def _held_back(self, current: Generation | None, fingerprint: str) -> Generation | None:
        return next(
            (
                found
                for found in self._all()
                if current and found.held_back == fingerprint and found.previous == current.run_id
            ),
            None,
        )

    def _drop_unneeded(self, current: Generation) -> None:
        kept = {current.run_id, current.previous}
        for file in self.generations.iterdir():
            if file.name.split(".")[0] not in kept:
                file.unlink(missing_ok=True)

    def _refuse_other_profile(self, current: Generation | None) -> None:
        if current and current.profile != self.profile:
            raise UsageProblem(
                f"{self.path} is published by the profile {current.profile}, this is {self.profile}: "
                "give each its own with DESTINATION__WAREHOUSE__CREDENTIALS."
            )

    def _all(self) -> Iterator[Generation]:
        for file in sorted(self.generations.glob("*.json")):
            if found := self._read(file.stem):
                yield found

    def _read(self, run_id: str) -> Generation | None:
        description = self.generations / f"{run_id}.json"
        if not description.exists() or not self._file(run_id).exists():
            return None
        return _generation(json.loads(description.read_text(encoding="utf-8")))

    def _describe(self, generation: Generation) -> None:
        text = json.dumps(asdict(generation), default=str, ensure_ascii=False)
        Folder(self.generations).write(f"{generation.run_id}.json", text.encode())

    def _file(self, run_id: str) -> Path:
        return self.generations / f"{run_id}.duckdb"


def _generation(text: dict[str, Any]) -> Generation:
    tables = {name: TableState(**state) for name, state in text["tables"].items()}
    return Generation(**{**text, "tables": tables, "published_at": datetime.fromisoformat(text["published_at"])})


def _plan(current: Generation | None, new: Mapping[str, TableState], migrate: bool) -> evolution.Plan:
    published = {name: state.columns for name, state in current.tables.items()} if current else {}
    return evolution.plan(published, {name: state.columns for name, state in new.items()}, migrate)
