"""Classify requests by kind, and count them for the line balance of an hour.

`path_kind` looks at each distinct path once. `kind_of` then decides for all requests, by the first
rule of a list that holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from clickstream.clean.urls import extension
from clickstream.tables import BALANCE

KINDS = tuple(
    "page asset download redirect client_error server_error health_check api other".split()
)
"""All kinds of requests."""

PATH_KINDS = ("robots", "health_check", "asset", "api", "download")
"""The kinds that follow from a path alone, in order of precedence."""

COUNTED_UNDER = {
    "page": "page_requests",
    "download": "downloads",
    "redirect": "redirects",
    "client_error": "client_errors",
    "server_error": "server_errors",
    "health_check": "health_checks",
    "api": "api_calls",
    "other": "others",
}
"""The term of the line balance for people's requests of each kind.

Assets and requests of bots have terms of their own.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True)
class KindRules:
    """Rules that derive the kind of a request from its path. Case is ignored everywhere.

    Extensions are written without the dot. Prefixes match whole segments at the start of the path:
    `/v1` matches `/v1/menu`, not `/v1.2`. `files` are names of the last segment, and `paths` whole
    paths. A user agent that contains one of `health_agents` is a health checker.
    """

    asset_extensions: tuple[str, ...] = _words(
        "avif bmp class css cur eot gif ico jpeg jpg js map mjs otf png svg svgz swf ttf wasm "
        "webmanifest webp woff woff2"
    )
    asset_files: tuple[str, ...] = _words("favicon.ico manifest.json")
    download_extensions: tuple[str, ...] = _words(
        "7z aac apk avi bin bz2 csv deb dmg doc docx epub exe flac gz ics iso jar m4a m4v mkv mobi "
        "mov mp3 mp4 msi odp ods odt ogg pdf pkg ppt pptx rar rpm rtf tar tgz tsv vcf wav webm wma "
        "wmv xls xlsx xz zip zst"
    )
    health_paths: tuple[str, ...] = _words(
        "/health /healthz /health/live /health/ready /healthz/live /healthz/ready /healthcheck "
        "/health-check /health_check /_health /livez /readyz /alive /heartbeat /ping /status "
        "/server-status /nginx_status /api/health /actuator/health /actuator/health/liveness "
        "/actuator/health/readiness"
    )
    health_agents: tuple[str, ...] = (
        "ELB-HealthChecker/",
        "Amazon-Route53-Health-Check-Service",
        "kube-probe/",
        "GoogleHC/",
        "Consul Health Check",
        "Envoy/HC",
        "Cloudflare-Healthchecks/",
        "Edge Health Probe",
        "Load Balancer Agent",
    )
    api_prefixes: tuple[str, ...] = _words(
        "/api /graphql /rest /rpc /wp-json /xmlrpc.php /odata /v1 /v2 /v3"
    )
    api_extensions: tuple[str, ...] = ("json",)
    robots_files: tuple[str, ...] = _words(
        "robots.txt ads.txt app-ads.txt humans.txt llms.txt security.txt sitemap.xml "
        "sitemap.xml.gz sitemap_index.xml browserconfig.xml crossdomain.xml"
    )
    robots_prefixes: tuple[str, ...] = ("/.well-known",)

    @cached_property
    def by_extension(self) -> dict[str, str]:
        """The kind for each extension. In case of conflict, asset precedes api and download."""
        return {
            **dict.fromkeys(_lower(self.download_extensions), "download"),
            **dict.fromkeys(_lower(self.api_extensions), "api"),
            **dict.fromkeys(_lower(self.asset_extensions), "asset"),
        }

    @cached_property
    def by_file(self) -> dict[str, str]:
        """The kind for each name of a last segment."""
        assets = dict.fromkeys(_lower(self.asset_files), "asset")
        return assets | dict.fromkeys(_lower(self.robots_files), "robots")

    @cached_property
    def by_path(self) -> dict[str, str]:
        """The kind for each whole path."""
        return dict.fromkeys(_lower(self.health_paths), "health_check")

    @cached_property
    def by_prefix(self) -> tuple[tuple[str, str], ...]:
        """Prefixes, with a slash at the end, and the kind for each."""
        kinds = (("robots", self.robots_prefixes), ("api", self.api_prefixes))
        return tuple(
            (prefix.rstrip("/") + "/", kind)
            for kind, prefixes in kinds
            for prefix in _lower(prefixes)
        )


@lru_cache(maxsize=1 << 14)
def path_kind(path: str, rules: KindRules) -> str | None:
    """Return the kind that follows from a path without its query, one of PATH_KINDS, or None."""
    lower = path.lower()
    whole = lower.rstrip("/")
    kinds = {
        rules.by_file.get(whole.rpartition("/")[2]),
        rules.by_path.get(whole),
        rules.by_extension.get(extension(lower)),
        *(kind for prefix, kind in rules.by_prefix if f"{whole}/".startswith(prefix)),
    }
    return next((kind for kind in PATH_KINDS if kind in kinds), None)


def is_health_checker(user_agent: str, rules: KindRules) -> bool:
    """Return whether a user agent is a health checker of a load balancer or an orchestrator."""
    lower = user_agent.lower()
    return any(agent in lower for agent in _lower(rules.health_agents))


def kind_of(
    path_kinds: npt.NDArray[np.integer],
    by_checker: npt.NDArray[np.bool_],
    is_get: npt.NDArray[np.bool_],
    status: npt.NDArray[np.integer],
) -> npt.NDArray[np.int8]:
    """Return the kind of each request, as its position in KINDS.

    All arrays have one value per request. `path_kinds` has positions in PATH_KINDS, -1 for none;
    `by_checker` marks the requests of health checkers, and `is_get` those with the method GET.
    Status 304 (not modified) counts as a successful answer.
    """
    is_kind = {kind: path_kinds == code for code, kind in enumerate(PATH_KINDS)}
    hundreds = status // 100
    answered = (hundreds == 2) | (status == 304)
    in_full = (status == 200) | (status == 304)
    rules = (
        ("health_check", by_checker | (is_kind["health_check"] & (hundreds != 4))),
        ("other", is_kind["robots"]),
        ("asset", is_kind["asset"]),
        ("redirect", (hundreds == 3) & ~answered),
        ("client_error", hundreds == 4),
        ("server_error", hundreds == 5),
        ("api", is_kind["api"] & answered),
        ("download", is_kind["download"] & is_get & answered),
        ("page", is_get & in_full),
    )
    codes = [KINDS.index(kind) for kind, _ in rules]
    chosen = np.select([holds for _, holds in rules], codes, KINDS.index("other"))
    return chosen.astype(np.int8)


def balance(kind: npt.NDArray[np.integer], is_bot: npt.NDArray[np.bool_]) -> dict[str, int]:
    """Count requests by the terms of the line balance; the counts sum to the number of requests."""
    counts = balance_by_group(kind, is_bot, np.zeros(len(kind), np.int64), 1)
    return {name: int(number) for name, [number] in counts.items()}


def balance_by_group(
    kind: npt.NDArray[np.integer],
    is_bot: npt.NDArray[np.bool_],
    group: npt.NDArray[np.int64],
    groups: int,
) -> dict[str, npt.NDArray[np.int64]]:
    """Count the requests of each group, such as an hour, by the terms of the line balance.

    `kind` has positions in KINDS, and `group` numbers from 0 to `groups` - 1. A request for an
    asset counts under `assets`, and a health check under `health_checks`, also a bot's. All other
    requests of bots count under `bots`, and those of people under the term of their kind.
    """
    code = (group * len(KINDS) + kind) * 2 + is_bot
    counts = np.bincount(code, minlength=groups * len(KINDS) * 2).reshape(groups, len(KINDS), 2)
    of_people, of_bots = counts[..., 0], counts[..., 1]
    asset, check = KINDS.index("asset"), KINDS.index("health_check")
    counted = {
        name: of_people[:, KINDS.index(kind_name)] for kind_name, name in COUNTED_UNDER.items()
    }
    counted["assets"] = counts[:, asset].sum(axis=1)
    counted["health_checks"] = counts[:, check].sum(axis=1)
    counted["bots"] = of_bots.sum(axis=1) - of_bots[:, asset] - of_bots[:, check]
    return {name: counted[name] for name in BALANCE}


def _lower(texts: Iterable[str]) -> Iterator[str]:
    return (text.lower() for text in texts)
