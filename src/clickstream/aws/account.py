"""The account: who the credentials belong to, and whether IAM alone decides about tables."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.aws.deployment import Deployment
from clickstream.errors import AwsRefused

_EVERYONE = {
    "Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"},
    "Permissions": ["ALL"],
}
"""Lake Formation's default permission with which IAM policies alone decide."""

REMEDY = (
    "Lake Formation decides about new databases and tables, so the policies of the roles do not "
    "suffice. In the Lake Formation console, Administration, Data Catalog settings, check both "
    "boxes `Use only IAM access control`. Or grant the role of Airflow CREATE_TABLE and DESCRIBE "
    "on the database, and the roles of Airflow and of the dashboard SELECT on its tables"
)


@dataclass(frozen=True)
class CallerIdentity:
    """The account, region and ARN of the credentials."""

    account: str
    region: str
    arn: str

    @property
    def sentence(self) -> str:
        """One line about the account."""
        return f"Account {self.account}, region {self.region}, as {self.arn}"


def identify(deployment: Deployment) -> CallerIdentity:
    """Return the identity of the credentials. Raises AwsRefused if AWS does not accept them."""
    answer = deployment.client("sts").get_caller_identity()
    return CallerIdentity(answer["Account"], deployment.account.region, answer["Arn"])


def has_iam_access(deployment: Deployment) -> bool:
    """Return whether IAM policies alone decide about new databases and tables of Glue."""
    answer = deployment.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    names = ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions")
    return all(_EVERYONE in answer.get(name, ()) for name in names)


def require_iam_access(deployment: Deployment) -> None:
    """Raise AwsRefused if Lake Formation would refuse the roles of a new lake."""
    if not has_iam_access(deployment):
        raise AwsRefused(f"{REMEDY}. Nothing is changed; then deploy again.")
