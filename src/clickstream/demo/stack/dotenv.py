"""Writes the `.env` for docker-compose.yaml: `.env.example` with generated secrets (`make env`)."""

from __future__ import annotations

import sys
from pathlib import Path

from clickstream.core.errors import InputError
from clickstream.demo.stack.layout import Secrets, write_private

PLACEHOLDER = "GENERATE"


def make_dotenv(root: Path) -> Path:
    """Write `root/.env` and return its path. Raises InputError if it exists."""
    target = root / ".env"
    if target.exists():
        raise InputError(f"{target} exists already; delete it first if you want new secrets.")
    example = (root / ".env.example").read_text(encoding="utf-8")
    write_private(target, fill(example, Secrets.new()))
    return target


def fill(example: str, secrets: Secrets) -> str:
    """Replace each GENERATE in the example's text by a secret."""
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
