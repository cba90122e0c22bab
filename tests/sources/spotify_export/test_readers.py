"""Files that processes of their own read give what one process reads, whichever process is ended meanwhile."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from sources.spotify_export import readers
from sources.spotify_export.members import Limits, Member, UnreadableError
from sources.spotify_export.plan import Memory, Planned, plan
from sources.spotify_export.report import FileReport
from tests.environment import ROOT, SURROUNDINGS

from .vintages import account, dump, several, stream, zipped

FILES = 9

AFTER_ONE_FILE = """
import multiprocessing, sys, time
from pathlib import Path
from sources.spotify_export import readers
from tests.sources.spotify_export.test_readers import planned_of
readers.WORTH, readers.cores = 0, lambda: 2
planned = planned_of(Path(sys.argv[1]))
with readers.Readers(planned, keep_place=False) as crew:
    list(crew.read(planned[0]))
    print(*(process.pid for process in multiprocessing.active_children()), flush=True)
    time.sleep(60)
"""


def planned_of(*paths: Path) -> list[Planned]:
    return list(plan(paths, (), Memory(None), limits=Limits(), progress=lambda *_: None))


def history(folder: Path) -> list[Planned]:
    whole = {f"endsong_{at}.json": dump(several(stream, 200, at * 200)) for at in range(FILES)}
    whole["endsong_3.json"] = whole["endsong_3.json"][:-300]
    whole["StreamingHistory0.json"] = dump([*several(account, 5), {"endTime": "no time"}])
    folder.joinpath("a.txt").write_text("not a history")
    return planned_of(zipped(folder / "my_spotify_data.zip", whole), folder / "a.txt")


def everything(crew: readers.Readers, planned: Iterable[Planned]) -> tuple[list[tuple[str, object]], list[FileReport]]:
    parts: list[tuple[str, object]] = []
    reports: list[FileReport] = []
    for each in planned:
        rows = crew.read(each)
        while True:
            try:
                table, values = next(rows)
            except StopIteration as end:
                reports.append(end.value)
                break
            parts.append((table, values.drop_columns(["imported_at"]) if table == "files" else values))
    return parts, reports


@pytest.fixture
def alone(tmp_path: Path) -> tuple[list[Planned], object]:
    planned = history(tmp_path)
    with readers.Readers(planned, keep_place=False) as crew:
        assert not multiprocessing.active_children()
        return planned, everything(crew, planned)


@pytest.fixture
def worth(monkeypatch: pytest.MonkeyPatch, alone: object) -> None:
    monkeypatch.setattr(readers, "WORTH", 0)
    monkeypatch.setattr(readers, "cores", lambda: 2)


@pytest.mark.usefixtures("worth")
def test_several_processes_read_what_one_reads_in_the_same_order(alone: tuple[list[Planned], object]) -> None:
    planned, told = alone
    with readers.Readers(planned, keep_place=False) as crew:
        assert everything(crew, planned) == told
        assert len(multiprocessing.active_children()) == 2
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("worth")
def test_a_file_too_large_to_be_held_is_read_in_its_turn(
    alone: tuple[list[Planned], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, told = alone
    sizes = sorted(each.file.size for each in planned if isinstance(each.file, Member))
    assert sizes[4] < sizes[-1]
    monkeypatch.setattr(readers, "HELD", sizes[4])
    with readers.Readers(planned, keep_place=False) as crew:
        assert everything(crew, planned) == told


@pytest.mark.usefixtures("worth")
def test_when_the_machine_ends_a_process_the_rest_is_read_here(
    alone: tuple[list[Planned], object], caplog: pytest.LogCaptureFixture
) -> None:
    planned, told = alone
    with readers.Readers(planned, keep_place=False) as crew:
        first = everything(crew, planned[:2])
        for process in multiprocessing.active_children():
            process.kill()
        rest = everything(crew, planned[2:])
    assert ([*first[0], *rest[0]], [*first[1], *rest[1]]) == told
    assert "BrokenProcessPool" in caplog.text


@pytest.mark.usefixtures("worth")
@pytest.mark.parametrize(
    ("missing", "error"),
    [("__init__", OSError("no semaphores")), ("submit", OSError("no more processes")), ("submit", AssertionError())],
)
def test_a_machine_that_starts_no_process_reads_by_itself(
    missing: str, error: Exception, alone: tuple[list[Planned], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, told = alone

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(readers.ProcessPoolExecutor, missing, refuse)
    with readers.Readers(planned, keep_place=False) as crew:
        assert everything(crew, planned) == told


@pytest.mark.usefixtures("worth")
def test_rows_that_wait_to_be_written_hold_no_page_of_the_files_that_they_travelled_in(
    alone: tuple[list[Planned], object],
) -> None:
    planned, told = alone
    with readers.Readers(planned, keep_place=False) as crew:
        held = everything(crew, planned)
        assert "lakehouse-readers-" not in Path("/proc/self/maps").read_text()
    assert held == told


@pytest.mark.usefixtures("worth")
def test_a_file_that_fails_in_a_process_is_read_here_and_fails_here_if_it_does_again(tmp_path: Path) -> None:
    planned = history(tmp_path)
    held = tmp_path / "my_spotify_data.zip"
    content = held.read_bytes()
    held.write_bytes(content[:2000] + bytes(500) + content[2500:])
    with readers.Readers(planned, keep_place=False) as crew:
        with pytest.raises(UnreadableError, match="damaged"):
            everything(crew, planned)
        held.write_bytes(content)
        assert [each.counts.rows for each in everything(crew, planned)[1]][:3] == [200, 200, 200]


def is_there(pid: str) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "\nState:\tZ" not in status.read_text()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_one_that_it_reads_for(how: signal.Signals, tmp_path: Path) -> None:
    history(tmp_path)
    program = subprocess.Popen(
        [sys.executable, "-c", AFTER_ONE_FILE, tmp_path / "my_spotify_data.zip"],
        env={**SURROUNDINGS, "TMPDIR": str(tmp_path)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert program.stdout
    pids = program.stdout.readline().split()
    assert len(pids) == 2
    if how == signal.SIGINT:
        os.killpg(program.pid, how)  # as a terminal does
    else:
        program.send_signal(how)
    _, said = program.communicate(timeout=30)
    assert "SpawnProcess" not in said
    until = time.monotonic() + 20
    while any(map(is_there, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_there, pids))
    assert not list(tmp_path.glob("lakehouse-readers-*"))
