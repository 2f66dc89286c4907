"""Section `[[sales]]`: the shop databases and CSV files that sales are read from."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from clickstream.settings.sources import SOURCE_PROBLEM
from clickstream.settings.values import Section, TimeZone

# Babel's decimals are those that people usually write (CLDR), and not those of ISO 4217: none for
# IQD, which has three, nor for RSD, AFN and ten more, which have two.
IN_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
"""Currencies with three decimals (ISO 4217); amounts in hundredths would lose money."""

WITHOUT_HUNDREDTHS = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
"""Currencies without decimals (ISO 4217): the smallest unit of a shop is often the whole unit."""

SCHEMES = ("postgresql", "mysql", "mariadb")


def _currency(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise PydanticCustomError("currency", "write the code of ISO 4217, such as EUR or USD")
    if code in IN_THOUSANDTHS:
        message = "amounts are kept in hundredths, and this currency has thousandths"
        raise PydanticCustomError("currency", message)
    return code


Currency = Annotated[str, AfterValidator(_currency)]


class SalesSettings(Section):
    """One source of sales: a shop's database, or CSV files."""

    name: str = Field(
        description="Name of the source in the tables.", pattern=r"^[a-z0-9][a-z0-9-]*$"
    )
    kind: Literal["sql", "csv"] = Field(
        description="Where the sales are: in a database, or in CSV files of a directory."
    )
    columns: str = Field(
        description="The column map: cafe-lab, shopify, google-ads, meta-ads, us-city-demographics "
        "or generic, or a TOML file of your own."
    )
    currency: Currency = Field(description="The currency of all amounts, such as EUR.")
    time_zone: TimeZone | None = Field(
        None, description="The IANA time zone of times that are stored without a zone."
    )
    store_time_zone: TimeZone | None = Field(
        None,
        description="The IANA time zone of the shop's business days; `[site] time_zone` if not "
        "set.",
    )
    url: str = Field(
        "",
        description="For sql: the address, such as postgresql://reader@db.example/shop, without "
        "a password.",
    )
    password_variable: str = Field(
        "", description="For sql: the environment variable that has the password of `url`."
    )
    connection: str = Field(
        "",
        description="For sql: instead of url, an Airflow connection of type Postgres or MySQL. "
        "The command line reads it from AIRFLOW_CONN_….",
    )
    path: str = Field(
        "",
        description="For csv: the directory of the files, or a prefix such as s3://bucket/exports/.",
    )
    campaign_tags: str = Field(
        "",
        description="A CSV file with the tags of campaigns whose name at the platform is not their "
        "tag.",
    )
    horizon_days: Annotated[int, Field(ge=1, le=36_600)] = Field(
        400,
        description="For sql: days back to which each run looks for changes. Older dates are "
        "compared once a week, and read again by the command that is printed then.",
    )
    wait_seconds: Annotated[int, Field(ge=1, le=600)] = Field(
        15, description="For sql: seconds within which the database must accept a connection."
    )

    @model_validator(mode="after")
    def _check_kind(self) -> SalesSettings:
        """Refuse settings of the other kind, and a source without an address."""
        if problem := self._problem():
            raise PydanticCustomError(SOURCE_PROBLEM, problem)
        return self

    def _problem(self) -> str:
        if self.kind == "csv":
            given = [n for n in ("url", "password_variable", "connection") if getattr(self, n)]
            if given:
                return f"{given[0]} needs kind = 'sql'"
            return "" if self.path else "set path, the directory of its files"
        if self.path:
            return "path needs kind = 'csv'"
        if bool(self.url) == bool(self.connection):
            return "set url or connection, and not both"
        if self.connection:
            return "password_variable needs url" if self.password_variable else ""
        address = urlsplit(self.url)
        if address.scheme.partition("+")[0] not in SCHEMES:
            return f"its url must begin with {', '.join(f'{s}://' for s in SCHEMES)}"
        if address.password:
            return (
                "its url has a password: remove it, and name an environment variable that has it "
                "in password_variable"
            )
        return ""
