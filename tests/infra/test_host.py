"""The commands of airflow-ec2.yaml start a bundle on a machine, from the local AWS.

They run with a root directory of the test. The commands that change a machine, such as docker and
mount, are recorded instead of run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from tests.infra.host import BALANCER, BUCKET, ROOT, Host, upload
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from clickstream.demo.stack.stack import read_procfile


@pytest.fixture
def host(tmp_path: Path, local_aws: LocalAwsProcess) -> Host:
    host = Host(tmp_path, local_aws.endpoint)
    host.prepare()
    return host


@pytest.fixture(scope="module")
def s3(local_aws: LocalAwsProcess) -> Any:
    names = {name.lower(): value for name, value in CREDENTIALS.items()}
    names["region_name"] = names.pop("aws_default_region")
    client = boto3.client("s3", endpoint_url=local_aws.endpoint, **names)
    client.create_bucket(Bucket=BUCKET)
    return client


AGENT_HOST = ROOT / "infra/agent-host.json"
STARTED = [
    "docker compose build",
    "systemctl daemon-reload",
    "systemctl enable --quiet clickstream",
    "systemctl restart clickstream",
]


def test_a_new_machine_starts_a_bundle_and_starts_it_again_unchanged(host: Host, s3: Any) -> None:
    digest = upload(s3)
    done = host.start(digest)
    assert done.returncode == 0, done.stderr
    order = [one for one in host.commands if not one.startswith(("dpkg", "apt-get", "curl"))]
    assert [one.split()[0] for one in order[:5]] == [
        *("cloud-init", "mountpoint", "blkid", "mkfs.ext4", "mount")
    ]
    assert order[5].startswith("amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:")
    assert (
        Path(f"{host.root}/{order[5].partition('file:')[2]}").read_bytes()
        == AGENT_HOST.read_bytes()
    )
    assert any("arm64/latest/amazon-cloudwatch-agent.deb" in one for one in host.commands)
    assert order[6:10] == STARTED
    assert any("install docker.io docker-buildx docker-compose-v2" in one for one in host.commands)
    assert host.version == digest
    secrets = host.root / "data/clickstream/secrets.env"
    before = secrets.read_text()
    assert secrets.stat().st_mode & 0o077 == 0
    host.set_statuses()
    s3.delete_object(Bucket=BUCKET, Key=f"bundles/{digest}.tar")
    again = host.start(digest)
    assert again.returncode == 0, again.stderr
    again_run = [one for one in host.commands if not one.startswith(("mountpoint", "dpkg"))]
    assert again_run[0].startswith("amazon-cloudwatch-agent-ctl")
    assert again_run[1:5] == STARTED
    assert secrets.read_text() == before
    assert (host.root / "etc/fstab").read_text().count(" /data ") == 1


def test_variables_are_those_of_the_example_with_the_names_of_the_lake(host: Host, s3: Any) -> None:
    host.parameters = BALANCER | {"Namespace": "shop"}
    host.start(upload(s3))
    generated = {
        line.removesuffix("=GENERATE")
        for line in (ROOT / ".env.example").read_text().splitlines()
        if line.endswith("=GENERATE")
    }
    values = host.dotenv
    secrets = {values.pop(name) for name in generated}
    assert len(secrets) == len(generated)
    assert all(len(secret) == 44 for secret in secrets)
    assert values == {
        "AIRFLOW_URL": "https://cafe.example:8443",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CLICKSTREAM_ALERTS__SNS_TOPIC": "arn:aws:sns:us-east-1:000000000000:shop",
        "CLICKSTREAM_DASHBOARD__LOAD_BALANCER": "clickstream-airflow-LoadBalancer",
        "CLICKSTREAM_DASHBOARD__PROXY_NETWORKS": "['10.0.0.0/24', '10.0.1.0/24']",
        "CLICKSTREAM_DASHBOARD__URL": "https://cafe.example",
        "CLICKSTREAM_LAKE__BUCKET": BUCKET,
        "CLICKSTREAM_LAKE__DATABASE": "clickstream",
        "CLICKSTREAM_LAKE__KEY_SECRET": "clickstream/visitor-keys",
        "CLICKSTREAM_LAKE__WORKGROUP": "clickstream-lake",
        "CLICKSTREAM_METRICS__NAMESPACE": "shop",
        "COMPOSE_FILE": "docker-compose.yaml:docker-compose.host.yaml",
        "LISTEN": "0.0.0.0",
    }


def test_bytes_with_another_digest_are_refused(host: Host, s3: Any) -> None:
    digest = upload(s3, digest="0" * 64)
    done = host.start(digest)
    assert done.returncode == 1
    assert f"bundles/{digest}.tar has another digest" in done.stderr
    assert not [one for one in host.commands if not one.startswith("cloud-init")]
    assert [*(host.root / "opt/clickstream").iterdir()] == []


def test_an_upgrade_keeps_secrets_and_a_failed_build_keeps_the_version_before(
    host: Host, s3: Any
) -> None:
    first = upload(s3)
    second = upload(s3, {".env.example": "NEW_SECRET=GENERATE\n"})
    broken = upload(s3, {"docker-compose.yaml": "# broken\n"})
    assert host.start(first).returncode == 0
    before = host.dotenv
    host.set_statuses()
    assert host.start(second).returncode == 0
    assert host.version == second
    assert {name: value for name, value in host.dotenv.items() if name != "NEW_SECRET"} == before
    host.set_statuses(docker=1)
    assert host.start(broken).returncode == 1
    assert host.version == second
    host.set_statuses()
    assert host.start(first).returncode == 0
    assert host.version == first


def test_an_agent_that_can_t_be_installed_stops_no_bundle(host: Host, s3: Any) -> None:
    host.set_statuses(mountpoint=1, blkid=2, dpkg=1, curl=22)
    done = host.start(upload(s3))
    assert (done.returncode, host.commands[-1].split()[0]) == (0, "docker")
    assert "The CloudWatch agent could not be started" in done.stderr
    assert not [one for one in host.commands if one.startswith("amazon-cloudwatch-agent-ctl")]


def test_a_volume_whose_content_is_unknown_is_not_formatted(host: Host, s3: Any) -> None:
    host.set_statuses(mountpoint=1, blkid=8)
    done = host.start(upload(s3))
    assert "is unknown (blkid: 8); nothing was written to it." in done.stderr
    assert done.returncode == 1
    assert not {"mkfs.ext4", "docker"} & {one.split()[0] for one in host.commands}


def test_the_service_runs_the_compose_file_of_the_current_version() -> None:
    """It starts the services of the compose file, which are those of the Procfile."""
    unit = (ROOT / "infra/clickstream.service").read_text()
    assert "WorkingDirectory=/opt/clickstream/current\n" in unit
    assert "ExecStart=/usr/bin/docker compose up --detach" in unit
    host_services = yaml.safe_load((ROOT / "docker-compose.host.yaml").read_text())["services"]
    assert {*host_services} <= {*read_procfile(ROOT / "Procfile")}
    assert not [one for one in host_services.values() if {"command", "entrypoint"} & {*one}]
