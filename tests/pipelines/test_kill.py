"""kill -9 at any step, run again: the same gold as an undisturbed run."""

import signal
import time

from tests.environment import Environment

MOMENTS = (("", 1.0), ("spotify_export", 0.3), ("snapshot", 4.0), ("reconcile", 0.05))
"""Step whose line is waited for (none: the start), and seconds after it: ingest, between, build, publish."""


def plays(environment: Environment) -> list[dict[str, str]]:
    """Every play and every stretch; not what enrichment adds: a request that was killed or refused has spent its budget."""
    return environment.ask(
        "select count(*) as plays, sum(hash(play_id, played_at, ms_played, track_id)::hugeint) as told,"
        " (select sum(hash(from_at, to_at, state, missing_at_least)::hugeint) from gold.completeness) as stretches"
        " from gold.fct_plays"
    )


def killed(environment: Environment, step: str, seconds: float) -> None:
    """Start a run and kill it hard at a moment."""
    process = environment.start()
    assert process.stderr is not None
    while step and (line := process.stderr.readline()):
        if f'"step": "{step}"' in line:
            break
    time.sleep(seconds)
    process.kill()
    process.communicate()


def test_a_run_killed_at_every_step_ends_like_one_that_was_left_alone(copied: Environment, later: Environment) -> None:
    before = plays(copied)
    assert copied.run("ingest", "curation").returncode == 0  # the clock is moved by the killed runs' first
    process = copied.start("--advance", "20h")
    time.sleep(0.8)
    process.kill()
    process.communicate()
    for step, seconds in MOMENTS:
        killed(copied, step, seconds)
        assert plays(copied) in (before, plays(later))
    assert copied.run().returncode == 0
    if plays(copied) == before:  # the first kill came before the clock moved
        assert copied.run("--advance", "20h").returncode == 0
    assert plays(copied) == plays(later)


def test_a_build_that_is_interrupted_says_so_and_nothing_of_dbt(copied: Environment) -> None:
    told = copied.data_dir / "logs" / "dbt.log"
    told.unlink(missing_ok=True)
    process = copied.start("build", "--full-refresh")
    until = time.monotonic() + 60
    while not told.exists() or " of " not in told.read_text():  # "3 of 80 START sql view model"
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Interrupted; what was committed stays" in said
    assert "dbt stopped" not in said
    assert copied.run("build").returncode == 0


def test_two_runs_at_once_give_the_plays_of_one(copied: Environment, later: Environment) -> None:
    first, second = copied.start("--advance", "20h"), copied.start()
    assert [first.wait(600), second.wait(600)] == [0, 0]
    assert plays(copied) == plays(later)
