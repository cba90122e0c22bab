"""Settings: environment over profile files over defaults, and a clear word for every wrong value."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked
from tests.environment import SURROUNDINGS, Environment

ROOT = Path(__file__).parents[2]
SHOW = """
import json, sys
from pipelines.settings import load
from sources.problem import Problem
try:
    settings = load()
except Problem as problem:
    print(json.dumps({"problem": str(problem), "exit_code": problem.exit_code})); sys.exit()
print(json.dumps({
    "profile": settings.profile, "timezone": settings.timezone, "data_dir": str(settings.data_dir),
    "lake": settings.lake.bucket_url, "warehouse": settings.warehouse.url, "sandbox": settings.uses_sandbox,
    "strategy": settings.catalog.tables["spotify_tracks"].strategy, "keep": settings.spotify_export.keep_place,
    "share": settings.min_play_share, "catalog": settings.catalog.is_default, "wait": settings.lock_wait,
}))
"""


def resolved(**environment: str) -> dict[str, object]:
    """Settings as a fresh process sees them: dlt resolves its context once per process."""
    answer = forked.python(SHOW, {**SURROUNDINGS, **environment})
    assert answer.returncode == 0, answer.stderr
    found: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_without_any_setting_everything_is_embedded(tmp_path: Path) -> None:
    found = resolved(LAKEHOUSE__DATA_DIR=str(tmp_path))
    assert found["profile"] == "dev"
    assert found["sandbox"] is True
    assert found["lake"] == str(tmp_path / "lake")
    assert found["warehouse"] == str(tmp_path / "warehouse.duckdb")


@pytest.mark.parametrize("profile", ["dev", "staging", "prod", "tests"])
def test_each_profile_has_a_data_folder_of_its_own(profile: str) -> None:
    found = resolved(WORKSPACE__PROFILE=profile)
    assert found["profile"] == profile
    assert str(found["data_dir"]).endswith(f".dlt/data/{profile}")


def test_the_sandbox_never_runs_in_prod_nor_beside_a_real_client() -> None:
    assert resolved(WORKSPACE__PROFILE="prod")["sandbox"] is False
    assert resolved(SOURCES__SPOTIFY_API__CLIENT_ID="someone")["sandbox"] is False


def test_environment_variables_win_and_are_typed(tmp_path: Path) -> None:
    found = resolved(
        LAKEHOUSE__DATA_DIR=str(tmp_path),
        LAKEHOUSE__TIMEZONE="Asia/Ho_Chi_Minh",
        LAKEHOUSE__MIN_PLAY_SHARE="0.5",
        SOURCES__SPOTIFY_EXPORT__KEEP_PLACE="true",
        SOURCES__CATALOG__SPOTIFY_TRACKS__STRATEGY="partition",
        DESTINATION__LAKE__BUCKET_URL="s3://bucket/prefix/",
    )
    assert found["timezone"] == "Asia/Ho_Chi_Minh"
    assert found["share"] == 0.5
    assert found["keep"] is True
    assert found["strategy"] == "partition"
    assert found["lake"] == "s3://bucket/prefix"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LAKEHOUSE__TIMEZONE", "Mars/Olympus"),
        ("LAKEHOUSE__WEEK_START", "someday"),
        ("LAKEHOUSE__MIN_PLAY_SECONDS", "half a minute"),
        ("LAKEHOUSE__MIN_PLAY_SHARE", "1.5"),
        ("LAKEHOUSE__SESSION_GAP_MINUTES", "0"),
        ("SOURCES__CATALOG__SPOTIFY_TRACKS__STRATEGY", "guess"),
        ("LAKEHOUSE__MEMORY_LIMIT", "a lot"),
        ("SANDBOX__TRACKS", "-1"),
        ("SANDBOX__HABITS", "nobody's"),
    ],
)
def test_a_wrong_value_is_a_usage_problem_that_names_the_variable(variable: str, value: str) -> None:
    found = resolved(**{variable: value})
    assert found["exit_code"] == 2
    assert variable in str(found["problem"])


HIDDEN = "hunter2-of-nobody"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("DESTINATION__LAKE__BUCKET_URL", f"gs://me:{HIDDEN}@foo", "gs://"),
        (
            "DESTINATION__WAREHOUSE__CREDENTIALS",
            f"postgresql+psycopg2://me:{HIDDEN}@db:5432/x",
            "postgresql+psycopg2://",
        ),
        ("DESTINATION__WAREHOUSE__CREDENTIALS", f"mysql://me:{HIDDEN}@db/x", "mysql://"),
        ("DESTINATION__WAREHOUSE__CREDENTIALS", f"mysql:/me:{HIDDEN}@db/x", "mysql://"),
        ("SOURCES__CATALOG__CREDENTIALS", f"nonsense {HIDDEN}", "mysql+pymysql://"),
        ("SOURCES__CATALOG__CREDENTIALS", f"nonsense://me:{HIDDEN}@db/x", "mysql+pymysql://"),
        ("SOURCES__CATALOG__CREDENTIALS", f"mysql://me:{HIDDEN}@db:port/x", "mysql+pymysql://"),
        ("LAKEHOUSE__ALERT_URL", f"ftp://hooks.example/{HIDDEN}", "https://"),
    ],
)
def test_an_address_of_another_kind_is_refused_where_it_is_read_and_never_shown(
    variable: str, value: str, told: str
) -> None:
    found = resolved(**{variable: value})
    assert found["exit_code"] == 2
    assert str(found["problem"]).startswith(f"{variable} ")
    assert told in str(found["problem"])
    assert HIDDEN not in str(found["problem"])


@pytest.mark.parametrize(
    "value", [f"postgresql://me:{HIDDEN}@db:5432/x", "postgres://db/x", "file.duckdb", "/folder/of mine/file.duckdb"]
)
def test_a_postgres_or_a_path_is_a_warehouse(value: str) -> None:
    assert str(resolved(DESTINATION__WAREHOUSE__CREDENTIALS=value)["warehouse"]).endswith(value)


@pytest.mark.parametrize(
    "variable",
    ["LAKEHOUSE__TIMEZONE", "LAKEHOUSE__LOCK_WAIT", "SOURCES__CATALOG__CREDENTIALS", "SOURCES__SPOTIFY_API__CLIENT_ID",
     "WORKSPACE__PROFILE", "DESTINATION__WAREHOUSE__CREDENTIALS", "LAKEHOUSE__DATA_DIR"],
)  # fmt: skip
def test_an_empty_value_means_the_default(variable: str) -> None:
    assert resolved(**{variable: ""}) == resolved()


def test_a_wrong_address_makes_nothing(tmp_path: Path) -> None:
    for variable, value in (
        ("SOURCES__CATALOG__CREDENTIALS", "nonsense"),
        ("DESTINATION__WAREHOUSE__CREDENTIALS", f"mysql://me:{HIDDEN}@db/x"),
        ("DESTINATION__LAKE__BUCKET_URL", "gs://foo"),
    ):
        answer = Environment(tmp_path / "data", {variable: value}).run(cwd=tmp_path)
        assert answer.returncode == 2
        assert variable in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_relative_sqlite_file_in_the_environment_is_below_the_folder_that_one_is_in(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "data", {"SOURCES__CATALOG__CREDENTIALS": "sqlite:///rel.sqlite?timeout=9"})
    answer = environment.run("ingest", "catalog", "--profile", "prod", cwd=tmp_path)
    assert f"{tmp_path / 'rel.sqlite'} does not exist" in answer.stderr


def test_dlt_and_its_log_are_not_named_after_the_folder_of_the_checkout() -> None:
    code = "from dlt.common.runtime.run_context import active; print(active().name)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "listening-lakehouse"
