"""A machine on which the commands of airflow-ec2.yaml run, and the bundles that they start."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.infra.templates import Stack, load_template
from tests.support.localaws_process import CREDENTIALS

ROOT = Path(__file__).parents[2]
BUNDLED = (
    *("docker-compose.yaml", ".env.example", "infra/clickstream.service"),
    *("docker-compose.host.yaml", "infra/prepare_host.sh", "infra/start_host.sh"),
    "infra/agent-host.json",
)
RECORDED = (
    *("apt-get", "blkid", "cloud-init", "curl", "docker", "dpkg", "mkfs.ext4", "mount"),
    "mountpoint",
)
AGENT = "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"
RECORD = """#!/bin/sh
echo "$(basename "$0") $*" >> "$COMMANDS"
exit "$(cat "$0.status" 2> /dev/null || echo 0)"
"""
BUCKET = "clickstream-000000000000-us-east-1"
IMPORTS = {
    f"clickstream-lake-{name}": value
    for name, value in {
        "AirflowInstanceProfile": "airflow",
        "AirflowRoleArn": "arn:aws:iam::000000000000:role/airflow",
        "Bucket": BUCKET,
        "Database": "clickstream",
        "KeyPrefix": "clickstream",
        "WorkGroup": "clickstream-lake",
    }.items()
}
BALANCER = {"CertificateArn": "arn:aws:acm:1", "HostName": "cafe.example"}


@dataclass
class Host:
    """A machine: its root directory, and the commands that were recorded."""

    root: Path
    endpoint: str
    parameters: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make a new machine with an empty volume and without Docker."""
        (self.root / "bin").mkdir()
        (self.root / AGENT).parent.mkdir(parents=True)
        for name in (*(f"bin/{one}" for one in (*RECORDED, "systemctl")), AGENT):
            command = self.root / name
            command.write_text(RECORD)
            command.chmod(0o755)
        self.set_statuses(mountpoint=1, blkid=2, dpkg=1)
        devices = self.root / "dev/disk/by-id"
        devices.mkdir(parents=True)
        (self.root / "etc").mkdir()
        (self.root / "etc/fstab").touch()
        (devices / "nvme-Amazon_Elastic_Block_Store_clickstreamairflow-DataVolume").touch()

    def set_statuses(self, **statuses: int) -> None:
        """Set the exit statuses of commands; all others succeed."""
        for old in (self.root / "bin").glob("*.status"):
            old.unlink()
        for name, status in statuses.items():
            (self.root / "bin" / f"{name}.status").write_text(str(status))

    def start(self, digest: str) -> subprocess.CompletedProcess[str]:
        """Run the commands of the template, as the agent of Systems Manager runs them."""
        stack = Stack(
            load_template("airflow-ec2.yaml"), "clickstream-airflow", self.parameters, IMPORTS
        )
        [document] = stack.resources("AWS::SSM::Document").values()
        lines = document["Content"]["mainSteps"][0]["inputs"]["runCommand"]
        self.commands_file.unlink(missing_ok=True)
        self.commands_file.touch()
        return subprocess.run(
            ["sh", "-c", "\n".join(lines).replace("{{ Bundle }}", digest)],
            check=False,
            capture_output=True,
            text=True,
            env=CREDENTIALS | self.environment,
        )

    @property
    def environment(self) -> dict[str, str]:
        path = [self.root / "bin", Path(sys.executable).parent, "/usr/bin", "/bin"]
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "COMMANDS": str(self.commands_file),
            "DESTDIR": str(self.root),
            "PATH": os.pathsep.join(map(str, path)),
        }

    @property
    def commands_file(self) -> Path:
        return self.root / "commands"

    @property
    def commands(self) -> list[str]:
        """The recorded commands, with paths below `/`."""
        return self.commands_file.read_text().replace(str(self.root), "").splitlines()

    @property
    def version(self) -> str:
        """The digest of the version that the service runs."""
        return (self.root / "opt/clickstream/current").resolve().name

    @property
    def dotenv(self) -> dict[str, str]:
        """The variables that docker compose reads."""
        lines = (self.root / "opt/clickstream/current/.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


def upload(s3: Any, changed: dict[str, str] | None = None, digest: str = "") -> str:
    """Upload a bundle, with files changed by a suffix to their text; return its digest."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        for name in BUNDLED:
            text = (ROOT / name).read_bytes() + (changed or {}).get(name, "").encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text))
    digest = digest or hashlib.sha256(body.getvalue()).hexdigest()
    s3.put_object(Bucket=BUCKET, Key=f"bundles/{digest}.tar", Body=body.getvalue())
    return digest
