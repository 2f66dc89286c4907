from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from clickstream import settings
from clickstream.clean.request_kinds import KINDS
from clickstream.core.errors import SettingsError
from clickstream.sessions import Goal
from clickstream.settings.dashboard import DigestSettings
from clickstream.settings.sections import OrderSettings
from clickstream.step_config import session_rules

ROOT = Path(__file__).parents[2]

HOLDOUT = """[[holdouts]]
campaigns = ['Cakes ']
regions = ['England, GB']
last = 2026-11-08
name = 'cakes'
"""
SFTP = "[[sources]]\nname = 'a'\nkind = 'sftp'\npath = '/x'\nuser = 'u'\nkey_file = 'k'\n"


def load(tmp_path: Path, text: str, **environment: str) -> settings.Settings:
    path = tmp_path / "clickstream.toml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return settings.load(path, environment)


def test_defaults_hold_without_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = settings.load(environment={})
    assert chosen.sessions.timeout_seconds == 1800
    assert chosen.lake.database == "clickstream"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    text = "[sessions]\ntimeout_seconds = 600\ncap_hours = 12\n"
    chosen = load(tmp_path, text, CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS="900")
    assert (chosen.sessions.timeout_seconds, chosen.sessions.cap_hours) == (900, 12)


def test_sources_can_come_from_the_environment(tmp_path: Path) -> None:
    value = '[{name = "web-1", path = "/var/log/nginx"}]'
    chosen = load(tmp_path, "", CLICKSTREAM_SOURCES=value)
    assert chosen.sources[0].path == "/var/log/nginx"
    assert chosen.resolve("logs") == tmp_path / "logs"


def test_an_empty_map_or_list_in_the_environment_replaces_the_file_s(tmp_path: Path) -> None:
    text = "[site]\ndomains = ['a']\n[goals.order]\npage = '/'\n[[funnel]]\nname='a'\npage='/'\n"
    empty = {
        "CLICKSTREAM_SITE__DOMAINS": "[]",
        "CLICKSTREAM_GOALS": "{}",
        "CLICKSTREAM_FUNNEL": "[]",
    }
    chosen = load(tmp_path, text, **empty)
    assert (chosen.site.domains, chosen.goals, chosen.funnel) == ((), {}, ())
    with_one = load(tmp_path, text, **empty, CLICKSTREAM_GOALS__SALE__PAGE="/sale")
    assert [*with_one.goals] == ["sale"]


@pytest.mark.parametrize("variable", ["CLICKSTREAM_SITE__NAME__X", "CLICKSTREAM_SOURCES__0__PATH"])
def test_a_variable_below_a_value_is_named(tmp_path: Path, variable: str) -> None:
    text = "[site]\nname = 'a'\n[[sources]]\nname = 'a'\npath = 'x'\n"
    with pytest.raises(SettingsError, match=variable):
        load(tmp_path, text, **{variable: "x"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sessions]\n\ngap_secondz = 5\n", ["line 3", "sessions.gap_secondz", "timeout_seconds"]),
        ("[sessions]\ncap_hours = 1000\n", ["line 2", "1000", "less than or equal to 23"]),
        (
            "[sessions]\ntimeout_seconds = 28800\ncap_hours = 17\n",
            ["line 1", "24 hours", "16 or less"],
        ),
        ("[site]\nname = 5\n", ["line 2", "valid string"]),
        ("[lake]\nbucket = 'ab'\n", ["line 2", "lake.bucket = 'ab'", "3 or more characters"]),
        (
            "[privacy]\nkey_days = 1\n",
            ["line 1", "keeps 91 keys, which cost about $36 a month", "or confirm_cost = true"],
        ),
        (
            "[privacy]\nreplay_days = 400\nkey_days = 6\n",
            ["keeps 68 keys, which cost about $27 a month", "set key_days to 7 or more"],
        ),
        ("[laek]\nbucket = 'x'\n", ["line 1", "laek", "lake"]),
        (
            "[[sources]]\nname = 'a'\npath = 'x'\n[[sources]]\nname = 'b'\npath = 'y'\n"
            "format = 'weird'\n",
            ["line 7", "weird", "combined"],
        ),
        (
            "[[sources]]\nname = 'a'\npath = 'x'\n[[sources]]\nname = 'a'\npath = 'y'\n",
            ["line 5", "two sources named a"],
        ),
        (
            "[[sources]]\nname = 'a'\npath = 'x'\nuser = 'logs'\n",
            ["line 1: the source a can't be used: user needs kind = 'sftp'."],
        ),
        ("[[sources]]\nname = 'a'\npath = 'x'\npattern = '../*'\n", ["line 1", "below its path"]),
        (f"{SFTP}hosts = ['-oProxyCommand=x']\n", ["line 7", "write a name or an address"]),
        (f"{SFTP}hosts = ['shop', 'Shop']\n", ["line 1", "names the host Shop twice"]),
        (f"{SFTP}hosts = ['shop:99999']\n", ["the port of shop:99999 must be 1 to 65,535"]),
        (f"{SFTP}instances = {{tags = {{}}}}\n", ["line 1", "instances.tags", "at least 1"]),
        (SFTP, ["the source a can't be used: set hosts, instances or connection"]),
        ("[sessions\n", ["not valid TOML", "line 1"]),
        ("\udcff = 1\n", ["not valid TOML", "not UTF-8"]),
        (
            "[goals.order]\npage = '/order'\n[goals.news]\npage = '('\n",
            ["line 4", "goals.news.page", "not a valid regular expression", "missing"],
        ),
        ("[goals.order]\nkind = 'view'\npage = '/'\n", ["line 2", "goals.order.kind", "'page'"]),
        ("[goals.order]\npages = '/'\n", ["line 2", "goals.order.pages", "page, kind, method"]),
        ("[goals.'my order']\npage = '/'\n", ["goals.my order", "^[a-z][a-z0-9_]*$"]),
        ("[dashboard.page_names]\nmenu = 'Menu'\n", ["line 1", "'menu' does not begin with /"]),
        ("[dashboard.page_names]\n'/menu' = ' '\n", ["line 1", "/menu needs a name"]),
        (
            "[dashboard]\n[dashboard.page_names]\n'/a' = 'Menu'\n'/b' = 'Menu'\n",
            ["line 2", "/a and /b have the same name 'Menu'; give each page its own"],
        ),
        ("[orders]\nnumber = 'x'\n", ["line 2", "orders.number", "lacks the named group"]),
        (
            "[orders]\nnumber = '(?P<order>x)(?P<sum>y)'\n",
            ["it has the group sum; the named groups are order and amount"],
        ),
        (f"{HOLDOUT}first = '2026-11-02'\n", ["line 6", "write a UTC date without quotes"]),
        (f"{HOLDOUT}first = 2026-11-02T00:00:00Z\n", ["line 6", "write a UTC date"]),
        (
            f"{HOLDOUT}first = 2026-11-09\n",
            ["line 1: the test cakes can't be used: first = 2026-11-09 is after last = 2026-11-08"],
        ),
        (
            f"{HOLDOUT}first = 2026-11-02\nbefore_days = 13\n",
            ["line 7", "before_days", "greater than or equal to 14"],
        ),
        (f"{HOLDOUT}first = 2026-11-02\n" * 2, ["line 11", "two tests named cakes"]),
        (f"{HOLDOUT}first = 2026-11-02\nmetric = 'sales'\n", ["line 7", "'net_sales'"]),
        (f"{HOLDOUT}first = 2026-11-02\nregion = 'GB'\n", ["line 7", "Allowed here: name, campai"]),
        (
            f"{HOLDOUT}first = 2026-11-02\n".replace("'England, GB'", ""),
            ["line 3", "name the regions of the test"],
        ),
        (
            f"{HOLDOUT}first = 2026-11-02\n".replace("'Cakes '", ""),
            ["line 2", "name the campaigns"],
        ),
        (f"{HOLDOUT}first = 2026-11-02\n".replace("Cakes", ""), ["line 2", "a name is empty"]),
        ("[[funnel]]\nname = 'a'\npage = '['\n", ["line 3", "funnel.0.page", "missing"]),
        ("[[funnel]]\nname = 'a'\npage = '/'\n" * 10, ["line 1", "funnel", "at most 9 items"]),
        (
            "[spark]\nexecutor_cores = 8\nexecutor_gb = 8\n",
            ["line 1", "with executor_cores = 8, set executor_gb to an even number of 16 to 60"],
        ),
        ("[sessions]\ntimeout_seconds = 299\n", ["line 2", "299", "greater than or equal to 300"]),
        (
            "[sessions]\ntimeout_seconds = 28801\n",
            ["line 2", "28801", "less than or equal to 28800"],
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, says: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, text)
    assert all(word in str(error.value) for word in says), str(error.value)


@pytest.mark.parametrize(
    "text", ["key_days = 7\n", "key_days = 1\nconfirm_cost = true\n"], ids=["7", "confirmed"]
)
def test_key_periods_of_a_week_or_of_a_confirmed_cost_are_allowed(
    tmp_path: Path, text: str
) -> None:
    assert load(tmp_path, f"[privacy]\n{text}").privacy.key_days in (1, 7)


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"CLICKSTREAM_LAKE__BUKET.*bucket, database"):
        load(tmp_path, "", CLICKSTREAM_LAKE__BUKET="x")


def test_the_endpoint_is_the_one_boto3_uses_unless_set(tmp_path: Path) -> None:
    there = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    assert load(tmp_path, "[aws]\nendpoint_url = ''\n", **there).aws.endpoint_url.endswith("4566")
    assert (
        load(tmp_path, "[aws]\nendpoint_url = 'http://x'\n", **there).aws.endpoint_url == "http://x"
    )


@pytest.mark.parametrize(("name", "value"), [("webhook", "ftp://s3cret"), ("mail_password", "771")])
def test_no_message_and_no_list_shows_a_secret(tmp_path: Path, name: str, value: str) -> None:
    """A number is no text, and is refused."""
    variable = f"CLICKSTREAM_ALERTS__{name.upper()}"
    with pytest.raises(SettingsError) as error:
        load(tmp_path, "", **{variable: value})
    assert value not in str(error.value)
    chosen = load(tmp_path, "", **{variable: f"'https://{value}'"})
    assert value not in f"{[*chosen.describe()]}{chosen.model_dump_json()}{chosen!r}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Can't read the settings file"):
        settings.load(tmp_path / "none.toml", {})


def test_a_loaded_setting_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.Settings().lake.bucket = "other"  # type: ignore[misc]


def test_the_digest_tells_what_shapes_a_result() -> None:
    plain = settings.Settings()
    moved = plain.model_copy(update={"lake": settings.LakeSettings(bucket="elsewhere")})
    shorter = plain.model_copy(update={"sessions": settings.SessionSettings(timeout_seconds=600)})
    kept = plain.model_copy(update={"maintenance": settings.MaintenanceSettings(snapshot_days=30)})
    assert plain.result_digest() == moved.result_digest() == kept.result_digest()
    assert plain.result_digest() != shorter.result_digest()
    numbered = plain.model_copy(update={"orders": OrderSettings(number="(?P<order>x)")})
    by_time = plain.model_copy(
        update={"orders": OrderSettings(match_by_time=True, form="^/order$")}
    )
    assert plain.result_digest() == by_time.result_digest() != numbered.result_digest()


def test_views_are_found_outside_the_repository_unless_a_directory_is_set(tmp_path: Path) -> None:
    plain = load(tmp_path, "")
    assert (plain.sql_directory / "sessions.sql").is_file()
    assert not plain.sql_directory.is_relative_to(tmp_path)
    missing = load(tmp_path, '[build]\nsql_directory = "include/sql"')
    assert missing.sql_directory == tmp_path / "include" / "sql"
    missing.sql_directory.mkdir(parents=True)
    assert load(tmp_path, "").sql_directory == missing.sql_directory


def test_holdouts_are_compared_in_lower_case_and_shape_no_result(tmp_path: Path) -> None:
    chosen = load(tmp_path, f"{HOLDOUT}first = 2026-11-02\n")
    (test,) = chosen.holdouts
    assert (test.campaigns, test.regions) == (("cakes",), ("England, GB",))
    assert (test.metric, test.before_days) == ("orders", 56)
    without = chosen.model_copy(update={"holdouts": ()})
    assert chosen.result_digest() == without.result_digest()


@pytest.mark.parametrize("limits", ["[25, 8]", "[0, 8]", "[8]", "[8, 600]", '["8", "25"]'])
def test_a_range_of_distances_ascends_and_shapes_no_result(tmp_path: Path, limits: str) -> None:
    chosen = load(tmp_path, "[locations]\ndistance_km = [5, 12.5]\n")
    assert chosen.locations.distance_km == (5, 12.5)
    assert chosen.result_digest() == load(tmp_path, "").result_digest()
    with pytest.raises(SettingsError, match=r"line 2: locations\.distance_km"):
        load(tmp_path, f"[locations]\ndistance_km = {limits}\n")


def test_the_settings_file_sets_nothing_and_all_its_examples_are_allowed(tmp_path: Path) -> None:
    text = (ROOT / settings.FILE_NAME).read_text(encoding="utf-8")
    assert load(tmp_path, text) == load(tmp_path, "")
    examples = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    chosen = load(tmp_path, examples)
    assert chosen.model_fields_set > {"site", "sources", "goals", "funnel", "sales", "orders"}


def test_a_source_may_have_a_format_of_ones_own(tmp_path: Path) -> None:
    text = """
        [[sources]]
        name = "web"
        path = "logs"
        format = "edge"
        [formats]
        edge = '%h %t "%r" %>s'
    """
    assert load(tmp_path, text).sources[0].format == "edge"


@pytest.mark.parametrize("seconds", [300, 1800, 28_800])
def test_the_gap_is_five_minutes_to_eight_hours(tmp_path: Path, seconds: int) -> None:
    chosen = load(tmp_path, f"[sessions]\ntimeout_seconds = {seconds}\n")
    assert session_rules(chosen).timeout_seconds == seconds


def test_goals_are_of_every_kind_of_request() -> None:
    assert get_args(settings.GoalSettings.model_fields["kind"].annotation) == KINDS


def test_goals_and_funnel_become_rules_and_shape_the_result(tmp_path: Path) -> None:
    text = (
        "[goals.order]\npage = '/order'\nkind = 'other'\nmethod = 'POST'\nstatus = 200\n"
        "[[funnel]]\nname = 'menu'\npage = '/menu'\n"
    )
    rules = session_rules(load(tmp_path, text))
    assert rules.goals == (Goal("order", "/order", "other", "POST", 200),)
    assert rules.funnel == (Goal("menu", "/menu"),)
    digests = {
        load(tmp_path, part).result_digest() for part in ("", text, text[: text.index("[[")])
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    "text", ["a@x.example, b@y.example", "a@x.example;b@y.example", "a@", "a\nb@x"]
)
def test_a_recipient_is_one_address(text: str) -> None:
    with pytest.raises(ValueError, match="mail address"):
        DigestSettings(recipients=(text,))
    assert DigestSettings(recipients=("Ana <ana@x.example>",)).recipients
