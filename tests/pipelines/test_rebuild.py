"""Everything but credentials comes back from the lake alone."""

import shutil
from pathlib import Path

from tests.environment import Environment

RULES = {
    "exclude.csv": 'kind,id,name,from_at,to_at,note\r\nwindow,,,2025-03-01 00:00,2025-04-01 00:00,"a, b\nc"\r\n',
    "rename.csv": "kind,name,new_name\n\nartist,São,Sao Paulo\ncow,,\n",
    "notes.csv": "not a file of rules",
}


def lived(tmp_path: Path, template: Path) -> Environment:
    """An environment with a lake of its own place, after two runs: the first, and one with another file, rules and an advance."""
    environment = Environment(tmp_path / "data", {"DESTINATION__LAKE__BUCKET_URL": str(tmp_path / "lake")})
    shutil.copytree(template, environment.data_dir)
    shutil.move(environment.data_dir / "lake", tmp_path / "lake")
    (environment.data_dir / "curation").mkdir()
    for name, text in RULES.items():
        (environment.data_dir / "curation" / name).write_bytes(text.encode())
    (environment.data_dir / "inbox" / "listens.jsonl").write_text(
        '{"listened_at": 1577876400, "track_metadata": {"artist_name": "A", "track_name": "B", "additional_info": {}}}\n'
    )
    answer = environment.run("--advance", "30h")
    assert answer.returncode == 0, answer.stderr
    return environment


def test_the_lake_alone_gives_the_same_gold_and_everything_but_credentials(lean: Environment, tmp_path: Path) -> None:
    environment = lived(tmp_path, lean.data_dir)
    before, memory = environment.gold(), state(environment)
    shutil.rmtree(environment.data_dir)
    answer = environment.run("rebuild")
    assert answer.returncode == 0, answer.stderr
    assert environment.gold() == before
    assert {path.name: path.read_bytes().decode() for path in (environment.data_dir / "curation").iterdir()} == RULES
    assert state(environment) == memory


def state(environment: Environment) -> dict[str, object]:
    """Cursors of the catalog, and what is known of the API: pages, budget, silence."""
    import json

    kept = json.loads((environment.data_dir / "pipelines/catalog/state.json").read_text())["sources"]
    first = json.loads((environment.data_dir / "listener/spotify_api.jsonl").read_text().splitlines()[0])["memory"]
    return {"catalog": kept, "seen": first["seen"], "requests": first["requests"], "not_before": first["not_before"]}


def test_a_plain_run_puts_a_lost_folder_of_rules_back_before_it_reads_it(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "data")
    folder = environment.data_dir / "curation"
    folder.mkdir(parents=True)
    (folder / "merge.csv").write_text("kind,from_id,into_id\ntrack,a,b\n")
    assert environment.run("ingest", "curation").returncode == 0
    for lost in ("curation", "pipelines"):
        shutil.rmtree(environment.data_dir / lost)
    answer = environment.run("ingest", "curation")
    assert (answer.returncode, answer.stdout) == (0, "curation: 0 new rows\n")
    assert (folder / "merge.csv").read_text() == "kind,from_id,into_id\ntrack,a,b\n"
    (folder / "merge.csv").unlink()
    assert environment.run("ingest", "curation").stdout == "curation: 1 new rows\n"
    assert list(folder.iterdir()) == []


def test_an_empty_lake_is_a_wrong_setting(tmp_path: Path) -> None:
    answer = Environment(tmp_path).run("rebuild")
    assert answer.returncode == 2
    assert "DESTINATION__LAKE__BUCKET_URL" in answer.stderr
