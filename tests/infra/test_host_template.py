"""The stacks of host and web server: no port is open, and the data outlives the machine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.infra.host import BALANCER, IMPORTS
from tests.infra.templates import Stack, load_template

NETWORK = {f"clickstream-airflow-{name}": name for name in ("Vpc", "Subnet", "HostGroup")}


def host(**parameters: str) -> Stack:
    return Stack(load_template("airflow-ec2.yaml"), "clickstream-airflow", parameters, IMPORTS)


def web(**parameters: str) -> Stack:
    imports = NETWORK | {"clickstream-lake-WebServerInstanceProfile": "web"}
    return Stack(load_template("web-demo.yaml"), "clickstream-web", parameters, imports)


def inbound(stack: Stack) -> list[Any]:
    """Return (port, who may connect) of all rules of security groups."""
    groups = stack.resources("AWS::EC2::SecurityGroup").values()
    rules = [rule for group in groups for rule in group.get("SecurityGroupIngress", ())]
    rules += stack.resources("AWS::EC2::SecurityGroupIngress").values()
    assert all(rule["FromPort"] == rule["ToPort"] for rule in rules)
    return sorted(
        (rule["FromPort"], rule.get("CidrIp") or rule["SourceSecurityGroupId"]) for rule in rules
    )


def test_only_a_load_balancer_may_connect_to_the_host() -> None:
    assert inbound(host()) == []
    balancer = "clickstream-airflow-LoadBalancerGroup"
    assert inbound(host(**BALANCER)) == [
        (443, "0.0.0.0/0"),
        *((8081, balancer), (8096, balancer)),
        (8443, "0.0.0.0/0"),
    ]
    listeners = host(**BALANCER).resources("AWS::ElasticLoadBalancingV2::Listener").values()
    assert {one["DefaultActions"][0]["Type"] for one in listeners} == {"authenticate-oidc"}
    assert {one["Protocol"] for one in listeners} == {"HTTPS"}


def test_the_web_server_is_open_to_its_network_and_by_ssh_to_the_host() -> None:
    assert inbound(web(LogKey="ssh-ed25519 AAAA")) == [(22, "HostGroup"), (80, "10.0.0.0/16")]


@pytest.mark.parametrize("stack", [host(), web(LogKey="ssh-ed25519 AAAA")], ids=["host", "web"])
def test_machines_require_tokens_and_encrypt_their_disks(stack: Stack) -> None:
    [machine] = stack.resources("AWS::EC2::Instance").values()
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    disks = [disk["Ebs"] for disk in machine["BlockDeviceMappings"]]
    disks += stack.resources("AWS::EC2::Volume").values()
    assert all(disk["Encrypted"] for disk in disks)


def test_containers_reach_the_role_of_the_host() -> None:
    [machine] = host().resources("AWS::EC2::Instance").values()
    assert machine["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert machine["IamInstanceProfile"] == IMPORTS["clickstream-lake-AirflowInstanceProfile"]


def test_without_the_machine_its_volume_and_snapshots_are_kept() -> None:
    absent = host(Host="absent", **BALANCER)
    assert not absent.resources("AWS::EC2::Instance")
    assert not absent.resources("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert not absent.resources("AWS::SSM::Association")
    [volume] = absent.resources("AWS::EC2::Volume").values()
    [policy] = absent.resources("AWS::DLM::LifecyclePolicy").values()
    assert policy["PolicyDetails"]["TargetTags"][0] in volume["Tags"]
    resource = absent.template["Resources"]["DataVolume"]
    assert {resource["DeletionPolicy"], resource["UpdateReplacePolicy"]} == {"Snapshot"}


def test_mails_are_sent_only_to_a_given_address() -> None:
    for address in ("", "owner@cafe.example"):
        stack = host(BudgetMail=address)
        [budget] = stack.resources("AWS::Budgets::Budget").values()
        assert budget["Budget"]["BudgetLimit"]["Amount"] == 40
        assert ("NotificationsWithSubscribers" in budget) == bool(address)
