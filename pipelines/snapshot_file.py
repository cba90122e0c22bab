"""The file that analysts open: bronze and silver of the last build, while the build database stays private.

Made whole beside the old one and renamed into place; who has the old one open keeps it.

Data flow: build database -> <data folder>/snapshot/lakehouse.duckdb
"""

import shutil
from pathlib import Path

from pipelines import lake_reader
from pipelines.settings import Settings


def snapshot_file(settings: Settings) -> Path:
    """The analysts' file: `bronze` and `silver` of the last build."""
    return settings.data_dir / "snapshot" / "lakehouse.duckdb"


def write_snapshot(settings: Settings, database: Path) -> None:
    """Write it from a build database that nobody has open."""
    import duckdb

    final = snapshot_file(settings)
    beside = final.parent / "next" / final.name  # the same name, so that view texts stay valid
    beside.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(database)) as connection:
        connection.execute("checkpoint")  # closing would do it too, and keep silent where the disk is full
    shutil.copyfile(database, beside)  # a tenth of the time of copying table by table
    with duckdb.connect(str(beside)) as connection:
        lake_reader.open_lake(connection, settings.lake)
        connection.execute("drop schema if exists gold cascade")  # theirs is what the warehouse publishes
        connection.execute("checkpoint")
    beside.replace(final)
