"""A lake with missing and spoiled files: which rows and days are lost is told, and everything else goes on."""

import shutil
from pathlib import Path

import pytest

from pipelines import integrity
from pipelines.lake import pipeline_for
from pipelines.settings import Settings, load
from sources.curation.load import load_rules
from tests.environment import Environment

BALANCE = "select file_id, reason, rows from gold.import_balance order by all"


def newest(environment: Environment, table: str) -> Path:
    """The newest file of a bronze table."""
    return max(
        (environment.data_dir / "lake" / table).glob("*.parquet"), key=lambda path: float(path.name.rsplit(".", 2)[0])
    )


@pytest.mark.torture
def test_lost_files_are_named_and_counted_and_heal_where_the_source_still_has_the_rows(copied: Environment) -> None:
    assert copied.run("--advance", "2d").returncode == 0
    before, balance = copied.gold(), copied.ask(BALANCE)
    albums, plays = newest(copied, "catalog/spotify_albums"), newest(copied, "spotify_api/plays")
    streams = newest(copied, "spotify_export/streams")
    backup = plays.read_bytes()
    (held,) = copied.ask(f"select count(*) as rows from read_parquet('{plays}')")

    albums.write_bytes(albums.read_bytes()[:100])
    plays.unlink()
    streams.unlink()
    shutil.rmtree(copied.data_dir / "build")
    answer = copied.run("build")
    assert (answer.returncode, "Traceback" in answer.stderr) == (0, False), answer.stderr
    for file in (albums, plays, streams):
        assert file.name in answer.stderr
    assert copied.run("publish").returncode == 0
    (gap,) = copied.ask("select * from gold.completeness where state = 'gap'")
    assert gap["missing_at_least"] == held["rows"]
    stations = copied.ask(
        "select table_name, station, explained from ops.reconciliation as r semi join"
        " (select run_id from ops.pipeline_runs order by started_at desc limit 1) as newest using (run_id)"
    )
    assert {row["explained"] for row in stations} == {"True"}
    lost = copied.ask("select table_name, lost_rows, first_at from bronze.lake__losses order by 1")
    assert [row["table_name"] for row in lost] == [
        "catalog__spotify_albums",
        "spotify_api__plays",
        "spotify_export__streams",
    ]
    doctor = copied.run("doctor")
    assert (doctor.returncode, "The lake has lost" in doctor.stdout) == (1, True)

    answer = copied.run()
    assert answer.returncode == 0, answer.stderr
    healed = copied.ask("select table_name, is_healed from bronze.lake__losses order by 1")
    assert [row["is_healed"] for row in healed] == ["True", "False", "True"]
    assert copied.ask("select count(*) as plays from silver.stg_spotify_export__streams") != [{"plays": "0"}]

    plays.write_bytes(backup)
    answer = copied.run()
    assert answer.returncode == 0, answer.stderr
    assert "The lake has lost" not in answer.stderr
    after = copied.gold()
    assert {table for table in before if before[table] != after[table]} <= {"import_balance"}  # by its imported_at
    assert copied.ask(BALANCE) == balance
    assert copied.run("doctor").returncode == 0


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A lake that holds one copy of one rule."""
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    settings = load()
    settings.curation.mkdir()
    (settings.curation / "exclude.csv").write_text("kind,name\nartist,Ж\n")
    assert copy(settings) == 1
    integrity.sound_snapshot(settings, note=True)
    return settings


def copy(settings: Settings, *, again: bool = False) -> int:
    state = settings.data_dir / "pipelines/curation/state.json"
    return load_rules(lambda: pipeline_for(settings, "curation"), settings.curation, state, again=again)


def test_bytes_that_changed_are_found_by_reading_and_forgotten_when_the_file_is_whole_again(small: Settings) -> None:
    (file,) = (small.data_dir / "lake/curation/rules").glob("*.parquet")
    content = file.read_bytes()
    assert not integrity.examine(small, integrity.sound_snapshot(small))
    file.write_bytes(content[:50] + bytes(byte ^ 1 for byte in content[50:60]) + content[60:])
    assert integrity.sound_snapshot(small).losses == ()  # the length is right
    assert integrity.examine(small, integrity.sound_snapshot(small))
    (loss,) = integrity.sound_snapshot(small).losses
    assert (loss.table, loss.rows, loss.is_healed) == ("curation__rules", 1, False)
    assert loss.first_at is not None
    assert file.name in integrity.told(loss)
    assert loss.first_at[:10] in integrity.told(loss)
    file.write_bytes(content)
    assert integrity.sound_snapshot(small).losses == ()


def test_rules_whose_copy_is_lost_are_copied_again(small: Settings) -> None:
    (file,) = (small.data_dir / "lake/curation/rules").glob("*.parquet")
    file.unlink()
    assert [loss.reason for loss in integrity.sound_snapshot(small).open_losses] == ["missing"]
    assert copy(small, again=True) == 1
    snapshot = integrity.sound_snapshot(small, note=True)
    assert (snapshot.open_losses, len(snapshot.losses), len(snapshot.paths("curation__rules"))) == ((), 1, 1)


def test_a_machine_without_its_copies_of_the_manifests_finds_the_same_losses(small: Settings) -> None:
    (file,) = (small.data_dir / "lake/curation/files").glob("*.parquet")
    file.write_bytes(file.read_bytes()[:20])
    before = integrity.sound_snapshot(small).losses
    (small.data_dir / "manifests.json").unlink()
    assert integrity.sound_snapshot(small).losses == before != ()


def test_a_file_that_was_torn_before_anybody_noted_it_is_a_loss_too(small: Settings) -> None:
    (small.curation / "exclude.csv").write_text("kind,name\nartist,Ö\n")
    assert copy(small) == 1
    torn = max(
        (small.data_dir / "lake/curation/rules").glob("*.parquet"), key=lambda path: float(path.name.rsplit(".", 2)[0])
    )
    torn.write_bytes(torn.read_bytes()[:-9])
    (loss,) = integrity.sound_snapshot(small, note=True).losses
    assert (loss.reason, loss.rows) == ("no parquet file", None)
