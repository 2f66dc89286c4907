"""Options of the transforms, built from the settings and from the files that they name.

`pipeline` and `logs` call this.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache, partial, reduce
from operator import or_
from pathlib import Path

import pyarrow as pa

from clickstream import clean, parse, sales, sessions
from clickstream.clean import devices, places
from clickstream.clean.bots.agent_keys import AgentKeys, SignatureRules, parse_directory
from clickstream.clean.bots.networks import HOSTING_VERDICTS, OwnEquipment
from clickstream.clean.channels import DEFAULT_CHANNELS
from clickstream.clean.orders import OrderRules
from clickstream.clean.referrers import OwnDomain, infer_own_domain
from clickstream.core.errors import UnusableRule
from clickstream.core.expressions import Expression
from clickstream.lookups import AsnDatabase, PlaceDatabase, open_asn_database
from clickstream.parse.formats import compile_format, is_format_string
from clickstream.sales.column_maps import ColumnMap, parse_map
from clickstream.settings import GoalSettings, Settings


def session_rules(settings: Settings) -> sessions.SessionRules:
    """Return the rules of sessions: timeout, cap, goals and funnel."""
    return sessions.SessionRules(
        settings.sessions.timeout_seconds,
        settings.sessions.cap_hours,
        goals=tuple(_goal(name, chosen) for name, chosen in settings.goals.items()),
        funnel=tuple(_goal(step.name, step) for step in settings.funnel),
    )


def _goal(name: str, chosen: GoalSettings) -> sessions.Goal:
    return sessions.Goal(name, chosen.page, chosen.kind, chosen.method, chosen.status)


def clean_rules(settings: Settings) -> clean.CleanRules:
    """Return the rules of cleaning. Raises SettingsError for a rule that can't be used."""
    chosen, pages, behaviour = settings.clean, settings.pages, settings.bots
    return clean.CleanRules(
        site=settings.site.name,
        domains=settings.site.domains,
        hosts=settings.site.hosts,
        targets=clean.TargetRules(
            frozenset(chosen.query_parameters),
            clean.PageRules(
                fold_case=pages.ignore_case, fold_ids=pages.fold_ids, replacements=pages.rules
            ),
        ),
        kinds=_kinds(settings),
        orders=OrderRules(Expression(settings.orders.number) if settings.orders.number else None),
        channels=channel_rules(settings),
        trusted=clean.NetworkSet.of(chosen.trusted_proxies),
        networks=_networks(settings),
        hosting=HOSTING_VERDICTS if behaviour.hosting else {},
        own_equipment=OwnEquipment(
            clean.NetworkSet.of(behaviour.own_networks), behaviour.own_user_agents
        ),
        signatures=_signatures(settings),
        behaviour=clean.BehaviourRules(
            scanner_paths=behaviour.scanner_paths,
            robots_txt=behaviour.robots_txt,
            pages_in_a_minute=behaviour.pages_in_a_minute,
            pages_without_asset=behaviour.pages_without_asset,
            pages_without_referrer=behaviour.pages_without_referrer,
        ),
    )


def _kinds(settings: Settings) -> clean.KindRules:
    """Return the rules of kinds: the built-in ones, with those of the settings in place."""
    chosen = settings.clean
    wanted = {
        "asset_extensions": chosen.asset_extensions,
        "download_extensions": chosen.download_extensions,
        "api_prefixes": chosen.api_prefixes,
        "health_paths": chosen.health_check_paths,
    }
    return replace(clean.KindRules(), **{name: v for name, v in wanted.items() if v is not None})


_ANY_DEVICE = devices.Device("other", None, None, None)


def infer_domain(settings: Settings, sample: Iterable[pa.Table]) -> OwnDomain | None:
    """Infer the site's own domain from tables of parsed requests; None if they do not show one."""
    by_date = referrers_of_assets(clean_rules(settings), sample)
    return infer_own_domain(sum(by_date.values(), Counter[str]()))


def referrers_of_assets(
    rules: clean.CleanRules, sample: Iterable[pa.Table]
) -> dict[int, Counter[str]]:
    """Count the asset requests of tables of parsed requests by their referrer, for each date."""
    # Neither keys nor devices matter here, and a device is expensive to determine.
    look_ups = clean.LookUps(device=lambda _: _ANY_DEVICE)
    cleaner = clean.Cleaner(rules, clean.VisitorKeys(bytes(32)), look_ups)
    cleaner.add(parse.parse(b"", "common").table)  # the cleaner needs at least one batch
    for table in sample:
        cleaner.add(table)
    return cleaner.referrers_of_assets()


def with_own_domain(settings: Settings, own_domain: OwnDomain | None) -> Settings:
    """Return the settings with the inferred own domain, unless they name domains."""
    if own_domain is None or settings.site.domains:
        return settings
    site = settings.site.model_copy(update={"domains": (own_domain.domain,)})
    return settings.model_copy(update={"site": site})


def log_format_of(settings: Settings, name: str) -> str | parse.Format:
    """Return the format of a name: one of the settings' own, or the built-in one.

    The name may also be that of the rest of a line, which raw objects can have, or the format
    string of a command. Raises InputError for a string that can't be used.
    """
    if name == parse.CONTINUATION.name:
        return parse.CONTINUATION
    if own := settings.formats.get(name):
        return _compiled(name, own)
    return _compiled("--format", name) if is_format_string(name) else name


_compiled = cache(compile_format)


def look_ups(settings: Settings) -> clean.LookUps:
    """Return the lookups of places, autonomous systems and devices.

    The devices of recent user agents are cached: the hours of a range share most agents.
    """
    database = _database(settings)
    return clean.LookUps(
        place=partial(places.place_at, record_of=database.record),
        asns=_asn_database(settings).numbers,
        device=_device_of,
    )


_device_of = lru_cache(maxsize=20_000)(devices.device_of)


def networks_dated(settings: Settings) -> date | None:
    """Return the date of the ASN database by which hosting networks are found; None without one."""
    return _asn_database(settings).dated if settings.bots.hosting else None


def missing_look_ups(settings: Settings) -> str | None:
    """Return a message about a lookup that is not set up; None if nothing is missing."""
    return _database(settings).missing


def result_digest(settings: Settings) -> str:
    """Return the digest of everything that shapes an hour, except its lines and the library."""
    parts = [settings.result_digest(), *(text for _, text in _files_of(settings))]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def shaping_digests(settings: Settings) -> dict[str, str]:
    """Return a short digest of each part of `result_digest`, by the name of a setting or a file."""
    values = {**settings.shaping_values(), **dict(_files_of(settings))}
    return {
        name: hashlib.blake2b(json.dumps(value).encode(), digest_size=4).hexdigest()
        for name, value in values.items()
    }


def _files_of(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the name and the content, or the identity, of each file that shapes an hour."""
    yield "geoip.database", _database(settings).identity
    if asn_database := _asn_database(settings).identity:
        yield "geoip.asn_database", asn_database
    rules = [settings.channels.rules] if settings.channels.rules else []
    for path in rules + [path for _, _, path in _network_lists(settings)]:
        yield path, _text(settings.resolve(path))
    for file in _agents(settings):
        yield file.name, f"{file.name}\n{_text(file)}"


def _network_lists(settings: Settings) -> list[tuple[str, str, str]]:
    """Return name, role and file of each list of networks."""
    bots = settings.bots
    roles = {"crawler": bots.crawlers, "datacenter": bots.datacenters, "people": bots.people}
    return [(name, role, path) for role, lists in roles.items() for name, path in lists.items()]


def _signatures(settings: Settings) -> SignatureRules:
    """Return the rules for signed agents, for requests to the site's hosts and domains."""
    site = settings.site
    subdomains = tuple(f"*.{domain}" for domain in site.domains)
    return SignatureRules(
        read_agent_keys(settings), own_hosts=(*site.hosts, *site.domains, *subdomains)
    )


def read_agent_keys(settings: Settings) -> AgentKeys:
    """Return the keys of signed agents, from the files of `[bots] agent_keys`."""
    return {file.stem: parse_directory(str(file), _text(file)) for file in _agents(settings)}


def _agents(settings: Settings) -> list[Path]:
    """Return the files with the keys of agents, in the order of their names."""
    if not settings.bots.agent_keys:
        return []
    directory = settings.resolve(settings.bots.agent_keys)
    if not directory.is_dir():
        raise UnusableRule(f"{directory}, which bots.agent_keys names, is not a directory.")
    return sorted(directory.glob("*.json"))


def channel_rules(settings: Settings) -> clean.ChannelRules:
    """Return the rules of channels: those of the settings, else the default ones."""
    if not settings.channels.rules:
        return DEFAULT_CHANNELS
    return clean.ChannelRules.parse(_text(settings.resolve(settings.channels.rules)))


def _networks(settings: Settings) -> clean.Networks:
    lists = (
        clean.Networks.parse(name, role, _text(settings.resolve(path)))
        for name, role, path in _network_lists(settings)
    )
    return reduce(or_, lists, clean.Networks())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableRule(f"{path}, which the settings name, can't be read: {error}.") from None


def _database(settings: Settings) -> PlaceDatabase:
    path = settings.geoip.database
    return _opened(settings.resolve(path) if path else None)


def _asn_database(settings: Settings) -> AsnDatabase:
    path = settings.geoip.asn_database
    return _opened_asn_database(settings.resolve(path) if path else None)


_opened_asn_database = cache(open_asn_database)


@cache
def _opened(path: Path | None) -> PlaceDatabase:
    """Open a database once for a process, and log once that it is missing."""
    database = PlaceDatabase.open([path] if path else [])
    if database.missing:
        logging.getLogger(__name__).info(database.missing)
    return database


_OWN_MAPS = Path(sales.__file__).with_name("maps")


def names_of_maps() -> list[str]:
    """Return the names of the maps that come with the library."""
    return sorted(path.stem for path in _OWN_MAPS.glob("*.toml"))


def load_map(name: str, directory: Path) -> ColumnMap:
    """Load a map by its name, or from a TOML file; a relative path starts from `directory`.

    Raises UnusableRule, with the file and what to change.
    """
    path = _OWN_MAPS / f"{name}.toml" if name in names_of_maps() else directory / name
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableRule(
            f"The column map {name} can't be read ({error.strerror}): name one of "
            f"{', '.join(names_of_maps())}, or a TOML file."
        ) from None
    return parse_map(text, str(path))


def sources_with_dates(settings: Settings) -> set[str]:
    """Return the names of the sources that have tables with dates, which the lake can lack.

    A source whose map can't be read counts as one of them.
    """
    return _sources(settings, lambda columns: columns.has_dates)


def sources_of_orders(settings: Settings) -> set[str]:
    """Return the names of the sources that have orders, also those whose map can't be read."""
    return _sources(settings, lambda columns: "orders" in columns.tables)


def _sources(settings: Settings, has: Callable[[ColumnMap], bool]) -> set[str]:
    names = set()
    for source in settings.sales:
        try:
            is_member = has(load_map(source.columns, settings.directory))
        except UnusableRule:
            is_member = True
        names |= {source.name} if is_member else set()
    return names
