"""The examples of keeping it always on do what they say, as far as this machine can tell."""

import ast
import shlex
import shutil
import subprocess
import sys
import textwrap
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

import pytest

from pipelines.cli import parser
from tests.environment import ROOT, Environment

EXAMPLES = ROOT / "docs" / "examples"
UNITS = ("lakehouse.service", "lakehouse-daily.service", "lakehouse-daily.timer")
SCRIPTS = ("dagster_flow.py", "prefect_flow.py", "airflow_dag.py")
HOME = "/opt/listening-lakehouse"


def unit(name: str) -> ConfigParser:
    content = ConfigParser(strict=False, interpolation=None)
    content.optionxform = str  # type: ignore[assignment]
    content.read_string((EXAMPLES / name).read_text())
    return content


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    for other in UNITS:
        text = (EXAMPLES / other).read_text().replace(f"{HOME}/.venv/bin/python", sys.executable)
        (tmp_path / other).write_text(text.replace(HOME, str(ROOT)))
    told = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / name], capture_output=True, text=True, check=False, timeout=60
    )
    assert [line for line in told.stderr.splitlines() if "lakehouse" in line] == []


@pytest.mark.parametrize("name", UNITS[:2])
def test_the_units_start_commands_that_exist(name: str) -> None:
    python, script, *arguments = shlex.split(unit(name)["Service"]["ExecStart"])
    assert python == f"{HOME}/.venv/bin/python"
    assert (ROOT / script).exists()
    assert parser().parse_args(arguments).profile == "prod"


@pytest.mark.parametrize("name", UNITS[:2])
def test_the_token_of_spotify_is_where_a_unit_may_write_and_its_login_puts_it(name: str) -> None:
    service = unit(name)["Service"]
    assert service["ProtectSystem"] == "strict"
    folder = service["Environment"].removeprefix("XDG_CONFIG_HOME=")
    assert Path(folder).is_relative_to(service["ReadWritePaths"])
    assert service["Environment"] in (ROOT / "docs" / "always_on.md").read_text()
    for ignored in (".gitignore", ".dockerignore"):
        assert Path(folder).name in (ROOT / ignored).read_text().split()


def test_the_cron_line_starts_the_flow_and_gives_way_to_a_run_at_work(copied: Environment) -> None:
    line = next(line for line in (EXAMPLES / "crontab").read_text().splitlines() if not line.startswith("#"))
    *when, command = line.split(" ", 5)
    assert when == ["*/15", "*", "*", "*", "*"]
    command = command.replace(HOME, str(ROOT)).replace(".venv/bin/python", sys.executable).replace("prod", "dev")
    answer = subprocess.run(
        ["sh", "-c", command], env=copied.variables, capture_output=True, text=True, check=False, timeout=600
    )
    assert answer.returncode == 0, answer.stderr
    assert "othing new" in answer.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_orchestrators_call_what_the_project_has(name: str) -> None:
    tree = ast.parse((EXAMPLES / name).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    ours = [node for node in calls if node.module.startswith("pipelines")]
    assert {node.module for node in ours} == {"pipelines.flow", "pipelines.settings"}
    for node in ours:
        assert all(hasattr(import_module(str(node.module)), item.name) for item in node.names)


def test_airflow_s_function_runs_by_itself_in_the_project_s_python(copied: Environment) -> None:
    text = (EXAMPLES / "airflow_dag.py").read_text()
    tree = ast.parse(text)
    task = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "lakehouse")
    lines = text.splitlines()[task.lineno - 1 : task.end_lineno]
    script = f"{textwrap.dedent(chr(10).join(lines))}\nprint(lakehouse({str(ROOT)!r}, 'dev'))"
    answer = subprocess.run(
        [sys.executable, "-c", script], env=copied.variables, capture_output=True, text=True, check=False, timeout=600
    )
    assert answer.stdout.strip().splitlines()[-1] == "nothing new", answer.stderr


@pytest.mark.torture
def test_dagster_runs_the_flow(copied: Environment, tmp_path: Path) -> None:
    """Installs Dagster into an environment of its own that also sees the project's."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (project,) = (Path(sys.executable).parents[1] / "lib").glob("python*/site-packages")
    (site / "project.pth").write_text(str(project))
    subprocess.run([python, "-m", "pip", "install", "-q", "dagster"], check=True, timeout=900)
    script = "from dagster_flow import listening_lakehouse as j; r = j.execute_in_process(); print(r.output_for_node('lakehouse'))"
    answer = subprocess.run(
        [python, "-c", script],
        cwd=EXAMPLES,
        env={**copied.variables, "DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert answer.stdout.strip().splitlines()[-1] == "nothing new", answer.stderr
