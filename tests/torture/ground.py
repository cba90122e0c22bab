"""What a schedule stands on: a catalog and a lake that may be changed and damaged, whatever holds them.

Data flow: embedded defaults, or servers -> Ground
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from sandbox.servers.seaweedfs import S3


class Lake(Protocol):
    """The lake's files by their path in it."""

    def names(self, table: str) -> list[str]: ...

    def read(self, name: str) -> bytes: ...

    def add(self, name: str, content: bytes) -> None: ...

    def lose(self, name: str) -> None: ...


@dataclass(frozen=True)
class FolderLake:
    """A lake in a folder."""

    root: Path

    def names(self, table: str) -> list[str]:
        found = (path for path in (self.root / table).rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in found)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def add(self, name: str, content: bytes) -> None:
        (self.root / name).write_bytes(content)

    def lose(self, name: str) -> None:
        (self.root / name).unlink()


@dataclass(frozen=True)
class BucketLake:
    """A lake below a prefix of a bucket, past any proxy."""

    store: S3
    bucket: str
    prefix: str

    def names(self, table: str) -> list[str]:
        pages = self.store.client().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=f"{self.prefix}/{table}/")
        keys = (entry["Key"] for page in found for entry in page.get("Contents", []))
        return sorted(key.removeprefix(f"{self.prefix}/") for key in keys)

    def read(self, name: str) -> bytes:
        return bytes(self._ask("get_object", name)["Body"].read())

    def add(self, name: str, content: bytes) -> None:
        self._ask("put_object", name, Body=content)

    def lose(self, name: str) -> None:
        self._ask("delete_object", name)

    def _ask(self, what: str, name: str, **arguments: Any) -> Any:
        ask: Callable[..., Any] = getattr(self.store.client(), what)
        return ask(Bucket=self.bucket, Key=f"{self.prefix}/{name}", **arguments)


@dataclass(frozen=True)
class Ground:
    """Where the sources and the lake are.

    Attributes:
        catalog: SQLAlchemy URL of a user who may write.
    """

    catalog: str
    lake: Lake

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the catalog holds."""
        engine = sa.create_engine(self.catalog, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def change(self, *statements: tuple[str, dict[str, str]]) -> None:
        """Change the catalog, in one transaction."""
        engine = sa.create_engine(self.catalog, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for statement, values in statements:
                connection.execute(sa.text(statement), values)


def embedded(data_dir: Path) -> Ground:
    """The ground of an environment on embedded defaults."""
    return Ground(f"sqlite:///{data_dir / 'catalog.sqlite'}?timeout=30", FolderLake(data_dir / "lake"))
