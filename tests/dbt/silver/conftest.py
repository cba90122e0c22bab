"""One build file for the tests of silver: dbt parses the project once, since its path never changes."""

from pathlib import Path

import pytest

from tests.dbt.silver.lake import Lake


@pytest.fixture(scope="session")
def only_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder: Path = tmp_path_factory.mktemp("silver") / "lake"
    folder.mkdir()
    return Lake(folder)


@pytest.fixture
def lake(only_lake: Lake) -> Lake:
    """Bronze without a row."""
    only_lake.clear()
    return only_lake
