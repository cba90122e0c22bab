"""The machine's settings: from the parameter store's answer to files that systemd reads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

SCRIPT = Path(__file__).resolve().parents[3] / "terraform" / "machine" / "settings.py"
PATH = "/listening-lakehouse/prod"
URL = "postgresql://lakehouse_loader:p%24s@db.example.com:5432/lakehouse?sslmode=verify-full&sslrootcert=/etc/ca.pem"


def answer(values: dict[str, str]) -> dict:
    return {"Parameters": [{"Name": f"{PATH}/{name}", "Value": value} for name, value in values.items()]}


def write(given_answer: dict, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(SCRIPT), PATH, str(folder)],
        input=json.dumps(given_answer),
        capture_output=True,
        text=True,
        check=False,
    )


def read(file: Path) -> dict[str, str]:
    """What a shell understands; within double quotes systemd and the shell take the same characters as special."""
    script = f"set -a; PATH=/usr/bin:/bin; . {file}; env -0"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env={})
    lines = [line.decode().partition("=") for line in done.stdout.split(b"\0") if line]
    return {name: value for name, _, value in lines if name not in {"PATH", "PWD", "SHLVL", "_"}}


def test_each_service_gets_its_own_settings_alone(tmp_path):
    done = write(answer({"flow/A": "1", "metabase/MB_DB_PASS": "2"}), tmp_path / "run")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read(tmp_path / "run" / "flow.env") == {"A": "1"}
    assert read(tmp_path / "run" / "metabase.env") == {"MB_DB_PASS": "2"}


def test_a_service_with_a_value_to_come_is_not_started(tmp_path):
    done = write(answer({"flow/A": "unset", "flow/B": "secret", "metabase/C": "3"}), tmp_path)
    assert done.returncode == 1
    assert f"{PATH}/flow/A" in done.stderr
    assert "secret" not in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["metabase.env"]


def test_a_setting_to_do_without_is_left_out(tmp_path):
    assert write(answer({"flow/A": "none", "flow/B": "2"}), tmp_path).returncode == 0
    assert read(tmp_path / "flow.env") == {"B": "2"}


def test_root_alone_can_read_the_files(tmp_path):
    write(answer({"flow/A": "1"}), tmp_path / "run")
    assert (tmp_path / "run" / "flow.env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_new_value_replaces_the_old_one(tmp_path):
    write(answer({"flow/A": "1"}), tmp_path)
    write(answer({"flow/A": "2"}), tmp_path)
    assert read(tmp_path / "flow.env") == {"A": "2"}
    assert [file.name for file in tmp_path.iterdir()] == ["flow.env"]


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=20))
def test_every_character_arrives(values, tmp_path_factory):
    wanted = {f"V{number}": value for number, value in enumerate(values) if value not in {"unset", "none"}}
    folder = tmp_path_factory.mktemp("env")
    write(answer({f"flow/{name}": value for name, value in wanted.items()}), folder)
    assert read(folder / "flow.env") == wanted


@pytest.fixture
def store(monkeypatch):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    yield boto3.client("ssm", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
    server.stop()


def test_the_parameter_stores_own_answer_is_understood(store, tmp_path):
    for name, value, kind in [("flow/URL", URL, "SecureString"), ("flow/ZONE", "UTC", "String")]:
        store.put_parameter(Name=f"{PATH}/{name}", Value=value, Type=kind)
    store.put_parameter(Name="/listening-lakehouse/staging/flow/OTHER", Value="x", Type="String")
    found = store.get_parameters_by_path(Path=PATH, Recursive=True, WithDecryption=True)
    given_answer = json.loads(json.dumps({"Parameters": found["Parameters"]}, default=str))
    assert write(given_answer, tmp_path).returncode == 0
    assert read(tmp_path / "flow.env") == {"URL": URL, "ZONE": "UTC"}


def test_the_wrapper_fails_loudly_when_the_store_does_not_answer(tmp_path):
    (tmp_path / "aws").write_text("#!/bin/sh\nexit 254\n")
    (tmp_path / "aws").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "AWS_REGION": "us-east-1", "PARAMETERS": PATH}
    done = subprocess.run([str(SCRIPT.with_suffix(".sh"))], env=environment, capture_output=True, check=False)
    assert done.returncode == 255
