"""Deployments in an account of moto: first, again, changed, rolled back, refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.clickstream.aws.builders import Recorder, git

from clickstream.aws.deploy import Deploy
from clickstream.aws.deployment import Deployment
from clickstream.core.errors import AwsRefused, InputError

INFRA = Path(__file__).parents[3] / "infra"


def run(deployment: Deployment, checkout: Path, **given: str) -> Recorder:
    caller = Recorder()
    caller.deploy(deployment, **given).run(checkout)
    return caller


def value_of(deployment: Deployment, name: str) -> str:
    return deployment.needed_stack("airflow").parameters[name]


def test_a_second_deployment_upgrades_and_a_digest_rolls_back(
    deployment: Deployment, checkout: Path
) -> None:
    shutil.copy(INFRA / "lake.yaml", checkout / "infra")
    git(checkout, "commit", "--all", "--quiet", "-m", "The real lake")
    first = run(deployment, checkout, InstanceType="t4g.large", BudgetMail="ana@example.com")
    names = ["clickstream-lake", "clickstream-airflow", "clickstream-alarms"]
    assert [question.split()[1] for question in first.questions] == names
    alarms = deployment.needed_stack("alarms")
    assert alarms.parameters == {
        "BudgetMail": "ana@example.com",
        "InstanceId": deployment.running_instance(),
        "LakeStack": "clickstream-lake",
        "Namespace": value_of(deployment, "Namespace"),
        "Site": "site",
    }
    assert alarms.outputs["TopicArn"].endswith(":clickstream")
    assert re.search("Add +Machine", first.text)
    assert "CREATE_COMPLETE" in first.text
    lake, old = deployment.lake(), value_of(deployment, "Bundle")
    assert lake.bucket == f"clickstream-{deployment.account.account}-us-east-1"
    assert lake.s3.head_object(Bucket=lake.bucket, Key=f"bundles/{old}.tar")
    assert deployment.running_instance()

    again = run(deployment, checkout)
    assert again.questions == []
    assert again.text.count("no changes") == 3
    assert "in the bucket already" in again.text

    (checkout / "run.sh").write_text("exit 0\n")
    git(checkout, "commit", "--all", "--quiet", "-m", "Second")
    assert len(run(deployment, checkout).questions) == 1
    assert value_of(deployment, "Bundle") != old
    assert value_of(deployment, "InstanceType") == "t4g.large"

    with pytest.raises(InputError, match=f"no bundle begins with 'ffff'.*{old}"):
        Recorder().deploy(deployment).run_uploaded("ffff")
    Recorder().deploy(deployment).run_uploaded(old[:10])
    assert value_of(deployment, "Bundle") == old


def test_what_is_refused_leaves_no_stack_behind(deployment: Deployment, checkout: Path) -> None:
    def remaining() -> list[str]:
        cfn = deployment.client("cloudformation")
        return [one["StackName"] for one in cfn.describe_stacks()["Stacks"]]

    with pytest.raises(InputError, match=r"no parameter Hots to set; they have .*Host, "):
        run(deployment, checkout, Hots="absent")
    for own in ("Bundle", "Namespace"):
        with pytest.raises(InputError, match=f"no parameter {own} to set"):
            run(deployment, checkout, **{own: "0" * 64})
    dry, stopped = Recorder(), Recorder(stop_at="clickstream-lake")
    Deploy(deployment, {}, dry.lines.append, None).run(checkout)
    assert re.search("Add +Bucket .*can be previewed when", dry.text, re.DOTALL)
    with pytest.raises(KeyboardInterrupt):
        stopped.deploy(deployment).run(checkout)
    deployment.client("lakeformation").put_data_lake_settings(DataLakeSettings={})
    with pytest.raises(AwsRefused, match="Data Catalog settings"):
        run(deployment, checkout)
    assert (dry.questions, remaining()) == ([], [])


def test_a_deployment_with_another_name_has_its_own_data(
    deployment: Deployment, checkout: Path
) -> None:
    other = Deployment("shop-2", deployment.settings, deployment.session)
    run(other, checkout, Host="absent")
    lake = other.lake()
    assert lake.bucket == f"shop-2-{other.account.account}-us-east-1"
    assert other.needed_stack("lake").parameters["DatabaseName"] == "shop_2"
    assert lake.settings.lake.key_secret == "shop-2/visitor-keys"
    assert other.needed_stack("alarms").parameters["InstanceId"] == ""
    with pytest.raises(InputError, match=r"is absent.*Host=present"):
        other.running_instance()
    with pytest.raises(InputError, match=r"clickstream-lake does not exist .* --name"):
        deployment.lake()
