"""Signed requests are visitors of their own, and requests of people beside them do not change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.bots.signing import (
    AGENT,
    AT,
    LOG_FORMAT,
    REQUEST,
    SITE,
    key_set,
    line,
    private_key,
    signed,
    write_keys,
)
from tests.clickstream.clean.builders import BROWSER, KEY

from clickstream.clean import Cleaner, VisitorKeys
from clickstream.clean.bots.signed_request import SignedRequest
from clickstream.core.errors import UnusableRule
from clickstream.parse import parse
from clickstream.parse.formats import compile_format
from clickstream.settings import Settings, SiteSettings
from clickstream.settings.labels import BotSettings
from clickstream.step_config import clean_rules, result_digest

FORMAT = compile_format("signed", LOG_FORMAT)
UNSIGNED = replace(REQUEST, user_agent=BROWSER, signature_agent=None)
OF_BROWSER = replace(REQUEST, user_agent=BROWSER)
OF_OTHER = replace(OF_BROWSER, signature_agent='sig1="https://other.example"')
CRAWLER = replace(REQUEST, user_agent="GPTBot/1.2")
CLASSES = {
    UNSIGNED: (None, None),
    signed(OF_BROWSER): ("signed agent", f"signature: {AGENT}"),
    signed(CRAWLER): ("signed agent", f"signature: {AGENT}"),
    signed(OF_BROWSER, key=private_key(2)): ("scanner", f"signature: forged, claims {AGENT}"),
    signed(OF_OTHER): ("other", "signature: unknown agent other.example"),
    signed(CRAWLER, ('"@authority"', '"accept"', '"signature-agent";key="sig1"')): (
        "ai training",
        "user agent: GPTBot",
    ),
}


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    directory = tmp_path_factory.mktemp("site")
    write_keys(directory / "agents")
    return Settings(
        site=SiteSettings(name="cafe", domains=(SITE,)),
        bots=BotSettings(agent_keys="agents"),
        directory=directory,
    )


def labelled(settings: Settings, rows: list[tuple[SignedRequest, str]]) -> pd.DataFrame:
    cleaner = Cleaner(clean_rules(settings), VisitorKeys(KEY))
    for plain in (b"", "".join(line(*row) for row in rows).encode()):
        cleaner.add(parse(plain, "combined" if not plain else FORMAT).table)
    return cleaner.requests().frame()


def texts(frame: pd.DataFrame) -> list[Any]:
    return frame.drop(columns=["line_number"]).astype(str).to_numpy().tolist()


@given(
    st.lists(
        st.tuples(st.sampled_from([*CLASSES]), st.sampled_from(["192.0.2.7", "192.0.2.8"])),
        min_size=1,
        max_size=12,
    )
)
def test_each_request_has_its_own_verdict_and_people_stay_as_they_are(
    configured: Settings, rows: list[tuple[SignedRequest, str]]
) -> None:
    found = labelled(configured, rows)
    verdicts = (
        found[["bot_class", "bot_reason"]].astype(object).where(lambda one: one.notna(), None)
    )
    assert [*map(tuple, verdicts.to_numpy())] == [CLASSES[request] for request, _ in rows]
    assert found["is_bot"].tolist() == [request is not UNSIGNED for request, _ in rows]
    is_person = [request is UNSIGNED for request, _ in rows]
    people = [row for row, one in zip(rows, is_person, strict=True) if one]
    assert texts(found[is_person]) == (texts(labelled(configured, people)) if people else [])
    kinds = [(CLASSES[request], request.user_agent, client) for request, client in rows]
    pairs = {*zip(found["visitor_id"].astype(str), kinds, strict=True)}
    assert len(pairs) == len({visitor for visitor, _ in pairs}) == len({kind for _, kind in pairs})


def test_the_keys_shape_results_and_a_lake_without_them_keeps_its_digest(
    configured: Settings,
) -> None:
    without = configured.model_copy(update={"bots": BotSettings()})
    assert without.result_digest() == Settings(site=configured.site).result_digest()
    before = result_digest(configured)
    assert before != result_digest(without)
    file = configured.resolve("agents") / "other.example.json"
    file.write_text(key_set())
    assert result_digest(configured) != before
    file.unlink()
    assert result_digest(configured) == before


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    settings = Settings(bots=BotSettings(agent_keys="agents"), directory=tmp_path)
    with pytest.raises(UnusableRule, match=r"agents, which bots\.agent_keys names"):
        clean_rules(settings)


def test_the_time_of_a_line_decides(configured: Settings) -> None:
    late = replace(signed(OF_BROWSER), at=AT + 361)
    found = labelled(configured, [(late, "192.0.2.7")])
    assert found["bot_class"].tolist() == ["scanner"]
