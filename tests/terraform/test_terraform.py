"""What terraform/README.md promises, read off the files; `terraform/check.sh` asks Terraform itself."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import pytest

from pipelines import cli, settings
from pipelines.warehouse import roles

FOLDER = Path(__file__).resolve().parents[2] / "terraform"
FILES = sorted([*FOLDER.glob("*.tf"), *FOLDER.glob("*.example"), *FOLDER.rglob("*.hcl")])
SCRIPTS = sorted(FOLDER.rglob("*.sh"))
UNITS = sorted(path for path in (FOLDER / "machine").iterdir() if path.suffix in {".service", ".timer", ".path"})
# a value for each setting that would be refused, or not be noticed, were it any text
PROBES = {"LAKEHOUSE__TIMEZONE": "Asia/Tokyo", "SOURCES__CATALOG__CREDENTIALS": "mysql+pymysql://reader@host/spotify"}
OPERATORS = {"operator"}
READER_PASSWORD = "DESTINATION__WAREHOUSE__METABASE_PASSWORD"  # no part of Settings: the roles' own


def plain(value: Any) -> Any:
    """The parser's answer without its marks: text without quotes, blocks without notes on themselves."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


@cache
def parse(path: Path) -> dict[str, Any]:
    with path.open() as file:
        return plain(hcl2.load(file))


def blocks(kind: str) -> list[dict[str, Any]]:
    return [block for path in FOLDER.glob("*.tf") for block in parse(path).get(kind, [])]


def named(kind: str) -> dict[str, Any]:
    return {name: body for block in blocks(kind) for name, body in block.items()}


def resources(kind: str) -> dict[str, Any]:
    found = {name: body for block in blocks("resource") for name, body in block.get(kind, {}).items()}
    assert found, f"no {kind}: a promise about it would hold for nothing"
    return found


def documents() -> dict[str, list[dict[str, Any]]]:
    found = [block["aws_iam_policy_document"] for block in blocks("data") if "aws_iam_policy_document" in block]
    return {name: body["statement"] for block in found for name, body in block.items()}


def local(name: str) -> Any:
    return next(block[name] for block in blocks("locals") if name in block)


def flow_parameters() -> set[str]:
    return set(re.findall(r'"flow/(\w+)"', (FOLDER / "secrets.tf").read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_can_be_parsed(path):
    assert parse(path)


def test_every_reference_has_a_target():
    text = "\n".join(re.sub(r"(^|\s)#.*", "", path.read_text()) for path in FOLDER.glob("*.tf"))
    made = {f"{kind}.{name}" for block in blocks("resource") for kind, body in block.items() for name in body}
    read = {f"data.{kind}.{name}" for block in blocks("data") for kind, body in block.items() for name in body}
    given = {f"var.{name}" for name in named("variable")} | {
        f"local.{name}" for block in blocks("locals") for name in block
    }
    used = set(re.findall(r"(?<![\w.\"/])(?:data\.)?aws_\w+\.[a-z]\w*|(?<![\w.])(?:var|local)\.\w+", text))
    assert len(used) > 50
    assert used - made - read - given == set()


def test_no_file_is_long():
    assert {path.name for path in FOLDER.glob("*.tf") if len(path.read_text().splitlines()) > 150} == set()


# network


def test_nothing_is_open_to_an_address():
    rules = resources("aws_vpc_security_group_ingress_rule")
    assert all({"cidr_ipv4", "cidr_ipv6", "prefix_list_id"}.isdisjoint(rule) for rule in rules.values())
    assert all("ingress" not in group for group in resources("aws_security_group").values())
    assert not any(kind in block for block in blocks("resource") for kind in ("aws_security_group_rule", "aws_lb"))


def test_no_rule_lets_anybody_reach_the_machine():
    rules = resources("aws_vpc_security_group_ingress_rule")
    assert {rule["security_group_id"] for rule in rules.values()} == {"${aws_security_group.warehouse.id}"}
    assert {rule["referenced_security_group_id"] for rule in rules.values()} == {"${aws_security_group.machine.id}"}


def test_the_group_that_everything_falls_into_has_no_rules():
    assert set(resources("aws_default_security_group")["closed"]) == {"vpc_id"}


def test_only_the_machines_subnet_has_a_way_to_the_internet():
    associations = resources("aws_route_table_association")
    assert {body["subnet_id"] for body in associations.values()} == {"${aws_subnet.machine.id}"}
    assert resources("aws_db_subnet_group")["warehouse"]["subnet_ids"] == "${aws_subnet.warehouse[*].id}"


# lake


def test_the_lake_cannot_be_made_public():
    block = resources("aws_s3_bucket_public_access_block")["lake"]
    switches = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    assert all(block[switch] is True for switch in switches)
    assert resources("aws_s3_bucket_ownership_controls")["lake"]["rule"] == [
        {"object_ownership": "BucketOwnerEnforced"}
    ]


def test_the_lake_is_encrypted_and_keeps_versions():
    (rule,) = resources("aws_s3_bucket_server_side_encryption_configuration")["lake"]["rule"]
    assert rule["apply_server_side_encryption_by_default"] == [{"sse_algorithm": "AES256"}]
    assert resources("aws_s3_bucket_versioning")["lake"]["versioning_configuration"] == [{"status": "Enabled"}]


def test_old_versions_and_broken_uploads_go_and_bronze_stays():
    (rule,) = resources("aws_s3_bucket_lifecycle_configuration")["lake"]["rule"]
    assert rule["noncurrent_version_expiration"][0]["noncurrent_days"] >= 7
    assert rule["abort_incomplete_multipart_upload"][0]["days_after_initiation"] >= 1
    assert rule["expiration"] == [{"expired_object_delete_marker": True}]


def test_the_lake_speaks_tls_only():
    (statement,) = documents()["lake_tls_only"]
    assert (statement["effect"], statement["actions"]) == ("Deny", ["s3:*"])
    assert statement["resources"] == ["${aws_s3_bucket.lake.arn}", "${aws_s3_bucket.lake.arn}/*"]
    assert statement["condition"] == [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}]
    assert resources("aws_s3_bucket_policy")["lake"]["policy"] == "${data.aws_iam_policy_document.lake_tls_only.json}"


def test_roles_touch_one_prefix():
    statements = documents()["lake_read"] + documents()["lake_write"]
    on_objects = [statement for statement in statements if statement["actions"] != ["s3:ListBucket"]]
    assert {resource for statement in on_objects for resource in statement["resources"]} == {
        "${aws_s3_bucket.lake.arn}/${local.lake_prefix}/*"
    }
    (listing,) = [statement for statement in statements if statement["actions"] == ["s3:ListBucket"]]
    assert listing["condition"][0]["variable"] == "s3:prefix"
    assert "${var.environment}" in local("lake_prefix")


def test_no_role_may_do_everything():
    allowed = [
        action
        for name, statements in documents().items()
        if name != "lake_tls_only"
        for statement in statements
        for action in statement["actions"]
    ]
    assert [action for action in allowed if "*" in action] == []
    assert [action for action in allowed if "Version" in action] == []


# warehouse


def test_the_warehouse_is_private_and_encrypted():
    server = resources("aws_db_instance")["warehouse"]
    assert (server["publicly_accessible"], server["storage_encrypted"]) == (False, True)
    assert {"name": "rds.force_ssl", "value": "1"} in resources("aws_db_parameter_group")["warehouse"]["parameter"]
    assert server["parameter_group_name"] == "${aws_db_parameter_group.warehouse.name}"


def test_the_warehouse_is_hard_to_lose():
    server = resources("aws_db_instance")["warehouse"]
    assert server["backup_retention_period"] >= 7
    assert server["deletion_protection"] == "${var.keep_data}"
    assert server["skip_final_snapshot"] == "${!var.keep_data}"
    assert named("variable")["keep_data"]["default"] is True


def test_no_secret_is_written_down():
    server = resources("aws_db_instance")["warehouse"]
    assert server["manage_master_user_password"] is True
    assert {"password", "password_wo"}.isdisjoint(server)
    secret = resources("aws_ssm_parameter")["secret"]
    assert (secret["type"], secret["value_wo"]) == ("SecureString", "unset")
    assert {"value", "insecure_value"}.isdisjoint(secret)
    assert secret["lifecycle"] == [{"ignore_changes": "all"}]


# machine


def test_the_machines_role_cannot_be_talked_out_of_it():
    machine = resources("aws_instance")["machine"]
    assert machine["metadata_options"][0]["http_tokens"] == "required"
    assert "key_name" not in machine
    assert "IPAddressDeny=169.254.169.254/32" in (FOLDER / "machine" / "metabase.service").read_text()


def test_metabase_listens_on_loopback_alone():
    assert "MB_JETTY_HOST=127.0.0.1" in (FOLDER / "machine" / "metabase.service").read_text()


def test_both_disks_are_encrypted_and_the_kept_one_has_snapshots():
    assert resources("aws_instance")["machine"]["root_block_device"][0]["encrypted"] is True
    disk = resources("aws_ebs_volume")["data"]
    assert disk["encrypted"] is True
    (details,) = resources("aws_dlm_lifecycle_policy")["data"]["policy_details"]
    assert details["target_tags"]["snapshots"] == disk["tags"]["snapshots"]
    assert resources("aws_volume_attachment")["data"]["volume_id"] == "${aws_ebs_volume.data.id}"


def test_the_set_up_script_gets_each_fact_that_it_uses_and_no_other():
    script = (FOLDER / "machine" / "setup.sh").read_text()
    used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", script))
    assert used == set(local("machine_facts"))


def test_user_data_fits():
    assert len((FOLDER / "machine" / "setup.sh").read_bytes()) < 16384 - 1024


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_bash_understands_every_script(script):
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_stops_at_the_first_fault(script):
    text = script.read_text()
    assert re.search(r"^set -e?uo pipefail$", text, re.M) or script.name == "facts.sh"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_every_unit(unit, tmp_path):
    text = unit.read_text()
    for program in set(re.findall(r"^Exec\w+=\+?(\S+)", text, re.M)):  # they are on the machine, not here
        text = text.replace(program, "/bin/true")
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text() if path != unit else text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(tmp_path / unit.name.replace("@.", "@x."))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_gives_the_flow_arguments_that_it_takes():
    (line,) = re.findall(r"^ExecStart=(.*)$", (FOLDER / "machine" / "lakehouse.service").read_text(), re.M)
    python, script, *arguments = line.replace("${WORKSPACE__PROFILE}", "prod").split()
    assert (Path(python).name, script) == ("python", "pipelines/run.py")
    options = cli.parser().parse_args(arguments)
    assert (getattr(options, f"{cli.BEFORE}every"), options.profile) == ("15m", "prod")


def test_the_timer_starts_the_flow_again_whatever_ended_it():
    timer = (FOLDER / "machine" / "lakehouse.timer").read_text()
    assert re.search(r"^OnUnitInactiveSec=15min$", timer, re.M)
    assert re.search(r"^OnActiveSec=", timer, re.M)


# variables and outputs


@pytest.mark.parametrize("name", sorted(named("variable")))
def test_every_variable_says_what_it_is_and_refuses_what_is_wrong(name):
    variable = named("variable")[name]
    assert variable["description"].endswith((".", ")"))
    assert "type" in variable
    if variable["type"] != "bool":
        (rule,) = variable["validation"]
        assert f"var.{name}" in rule["condition"]
        assert name in rule["error_message"]


def test_every_validation_is_tried_with_a_wrong_value():
    runs = {
        name: body for block in parse(FOLDER / "tests" / "variables.tftest.hcl")["run"] for name, body in block.items()
    }
    tried = {item.strip("${}").removeprefix("var.") for item in runs["wrong_values_are_refused"]["expect_failures"]}
    assert tried == {name for name, body in named("variable").items() if "validation" in body}


def test_every_output_is_described():
    assert all(body.get("description") for body in named("output").values())


@pytest.mark.parametrize("name", sorted(set(named("output")) - OPERATORS - {READER_PASSWORD}))
def test_every_output_fills_a_setting_that_the_flow_reads(name, monkeypatch, tmp_path):
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    for leftover in ("DLT_DATA_DIR", "WORKSPACE__PROFILE"):  # load sets them; the end of the test takes them away
        monkeypatch.setenv(leftover, "tests" if "PROFILE" in leftover else str(tmp_path))
    before = settings.load("tests")
    monkeypatch.setenv(name, PROBES.get(name, str(tmp_path / "probe")))
    assert settings.load("tests") != before


def test_the_readers_password_is_the_one_that_the_roles_are_made_with(monkeypatch):
    monkeypatch.setenv("DESTINATION__WAREHOUSE__CREDENTIALS", "postgresql://127.0.0.1/lakehouse")
    monkeypatch.setenv(READER_PASSWORD, "probe")
    given: dict[str, str] = {}
    monkeypatch.setattr(roles, "create", lambda _admin, passwords: given.update(passwords) or [])
    roles.make_roles(settings.load("tests"))
    assert given == {roles.READER: "probe"}
    assert READER_PASSWORD in named("output")


def test_the_machine_gets_every_setting_that_an_output_names():
    assert flow_parameters() == set(named("output")) - OPERATORS


def test_budget_and_tags_are_there():
    (budget,) = resources("aws_budgets_budget").values()
    assert budget["limit_amount"] == "${tostring(var.monthly_budget_usd)}"
    (notification,) = budget["dynamic"]
    assert set(notification["notification"]["for_each"]) == {"ACTUAL", "FORECASTED"}
    assert notification["notification"]["content"][0]["subscriber_email_addresses"] == ["${var.alert_email}"]
    (provider,) = [block["aws"] for block in blocks("provider")]
    assert provider["default_tags"] == [{"tags": "${local.tags}"}]
    assert set(local("tags")) == {"project", "environment", "managed_by"}
