"""Makes the `.env` that docker-compose.yaml needs: `.env.example` with fresh secrets in it."""

from __future__ import annotations

import sys
from pathlib import Path

from clickstream.demo.stack.layout import Secrets, write_private
from clickstream.errors import InputError

PLACEHOLDER = "GENERATE"


def make_dotenv(root: Path) -> Path:
    """Write `root/.env` and return its path. Raises InputError when there is one already."""
    target = root / ".env"
    if target.exists():
        raise InputError(f"{target} exists already; delete it first if you want new secrets.")
    example = (root / ".env.example").read_text(encoding="utf-8")
    write_private(target, fill(example, Secrets.new()))
    return target


def fill(example: str, secrets: Secrets) -> str:
    """The example's text with a secret in each place that says GENERATE."""
    values = {
        "ADMIN_PASSWORD": secrets.password,
        "POSTGRES_PASSWORD": secrets.database_password,
        "AIRFLOW__API__SECRET_KEY": secrets.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
    }
    for name, value in values.items():
        example = example.replace(f"{name}={PLACEHOLDER}\n", f"{name}={value}\n")
    return example


if __name__ == "__main__":
    try:
        print(f"Wrote {make_dotenv(Path.cwd())}.")  # noqa: T201
    except InputError as error:
        sys.exit(error.printed)
