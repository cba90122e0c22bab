"""Readers of the DuckDB file see one whole generation, whenever they open it."""

import threading
from pathlib import Path

import duckdb

from pipelines.warehouse.embedded import EmbeddedWarehouse
from tests.pipelines.warehouse.synthetic import TABLES, generation_of, make_build, reading, whole


def test_readers_opening_the_file_through_publishes_see_whole_generations(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path / "warehouse.duckdb", "dev")
    seen: list[tuple[int, int, int, int]] = []
    errors: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                with reading(warehouse.path) as connection:
                    seen.append(generation_of(connection))
            except (AssertionError, duckdb.Error) as error:
                errors.append(error)

    warehouse.publish(make_build(tmp_path, 0), "r0", "f0", TABLES)
    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 21):
        warehouse.publish(make_build(tmp_path, number), f"r{number}", f"f{number}", TABLES)
        if number % 7 == 0:
            warehouse.rollback()
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(found == whole(found[0]) for found in seen)
    assert len({found[0] for found in seen}) > 5
