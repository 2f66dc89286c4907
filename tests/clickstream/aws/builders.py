"""Deployments of tests: a checkout with templates, and a caller that records."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from clickstream.aws.deploy import Deploy
from clickstream.aws.deployment import Deployment

LAKE = """
Parameters:
  BucketName: {Type: String, Default: ""}
  DatabaseName: {Type: String, Default: clickstream}
  KeyPrefix: {Type: String, Default: clickstream}
Conditions:
  HasBucketName: !Not [!Equals [!Ref BucketName, ""]]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties:
      BucketName: !If
        - HasBucketName
        - !Ref BucketName
        - !Sub "clickstream-${AWS::AccountId}-${AWS::Region}"
Outputs:
  Bucket: {Value: !Ref Bucket, Export: {Name: !Sub "${AWS::StackName}-Bucket"}}
  Database: {Value: !Ref DatabaseName}
  KeyPrefix: {Value: !Ref KeyPrefix}
"""
"""A lake of which moto reads the template faster than infra/lake.yaml, which takes 0.2 s."""

HOST = """
Parameters:
  LakeStack: {Type: String, Default: clickstream-lake}
  BudgetMail: {Type: String, Default: ""}
  Namespace: {Type: String, Default: ""}
  Bundle: {Type: String}
  Host: {Type: String, Default: present}
  InstanceType: {Type: String, Default: t4g.medium}
Conditions:
  HasHost: !Equals [!Ref Host, present]
Resources:
  DataVolume:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: us-east-1a, Size: 20}
  Machine:
    Type: AWS::EC2::Instance
    Condition: HasHost
    Properties: {ImageId: ami-12c6146b, InstanceType: !Ref InstanceType}
Outputs:
  InstanceId: {Value: !If [HasHost, !Ref Machine, ""]}
"""
"""The host of infra/airflow-ec2.yaml, without the resources and imports that moto does not know."""

ALARMS = """
Parameters:
  LakeStack: {Type: String, Default: clickstream-lake}
  Namespace: {Type: String}
  Site: {Type: String}
  InstanceId: {Type: String, Default: ""}
  BudgetMail: {Type: String, Default: ""}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Ref Namespace}
Outputs:
  TopicArn: {Value: !Ref Topic}
"""
"""The topic of infra/alarms.yaml, without alarms and mails, which moto does not create."""


@dataclass
class Recorder:
    """A caller who answers questions with yes, or stops at one that contains a text."""

    stop_at: str = "never"
    lines: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def deploy(self, deployment: Deployment, **given: str) -> Deploy:
        return Deploy(deployment, given, self.lines.append, self.confirm)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def confirm(self, question: str) -> None:
        self.questions.append(question)
        if self.stop_at in question:
            raise KeyboardInterrupt


def git(directory: Path, *arguments: str) -> None:
    """Run git with a fixed author."""
    names = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"]
    subprocess.run(["git", "-C", directory, *names, *arguments], check=True, capture_output=True)


def make_checkout(directory: Path) -> Path:
    """A repository with templates, a program and a link, committed."""
    (directory / "infra").mkdir(parents=True)
    (directory / "infra" / "lake.yaml").write_text(LAKE)
    (directory / "infra" / "airflow-ec2.yaml").write_text(HOST)
    (directory / "infra" / "alarms.yaml").write_text(ALARMS)
    (directory / "run.sh").write_text("#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    (directory / "größe.txt").write_text("5 kg\n")
    (directory / "link").symlink_to("run.sh")
    (directory / ".gitignore").write_text("var/\n")
    git(directory, "init", "--quiet")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", "First")
    return directory
