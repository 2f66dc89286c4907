"""What kind of request each one is, and the balance of kinds that closes an hour.

A path is looked at once for each distinct one; the table in `kind_of` then decides for all
requests, the first row that holds.
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
"""Every kind of request."""

PATH_KINDS = ("robots", "health_check", "asset", "api", "download")
"""What a path alone can tell, in order of precedence."""

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
"""What the balance calls people's requests of each kind; assets and bots are counted apart."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True)
class KindRules:
    """How a path tells the kind of a request. Everything is compared without case.

    Extensions come without their dot; prefixes match whole segments from the path's start (`/v1`
    takes `/v1/menu`, not `/v1.2`); `files` are names of a last segment, `paths` whole paths;
    a health checker's user agent holds one of `health_agents`.
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
        """The kind that each extension tells; an asset's wins over a download's."""
        return {
            **dict.fromkeys(_lower(self.download_extensions), "download"),
            **dict.fromkeys(_lower(self.api_extensions), "api"),
            **dict.fromkeys(_lower(self.asset_extensions), "asset"),
        }

    @cached_property
    def by_file(self) -> dict[str, str]:
        """The kind that each name of a last segment tells."""
        assets = dict.fromkeys(_lower(self.asset_files), "asset")
        return assets | dict.fromkeys(_lower(self.robots_files), "robots")

    @cached_property
    def by_path(self) -> dict[str, str]:
        """The kind that each whole path tells."""
        return dict.fromkeys(_lower(self.health_paths), "health_check")

    @cached_property
    def by_prefix(self) -> tuple[tuple[str, str], ...]:
        """Prefixes that end in a slash, each with the kind it tells."""
        kinds = (("robots", self.robots_prefixes), ("api", self.api_prefixes))
        return tuple(
            (prefix.rstrip("/") + "/", kind) for kind, some in kinds for prefix in _lower(some)
        )


@lru_cache(maxsize=1 << 14)
def path_kind(path: str, rules: KindRules) -> str | None:
    """What the path (without query) tells, one of PATH_KINDS; None when it tells nothing."""
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
    """Whether the user agent is a load balancer's or an orchestrator's health checker."""
    lower = user_agent.lower()
    return any(agent in lower for agent in _lower(rules.health_agents))


def kind_of(
    path_kinds: npt.NDArray[np.integer],
    by_checker: npt.NDArray[np.bool_],
    is_get: npt.NDArray[np.bool_],
    status: npt.NDArray[np.integer],
) -> npt.NDArray[np.int8]:
    """The kind of each request, as its position in KINDS; all arrays have one value for each.

    `path_kinds` are indexes of PATH_KINDS, -1 for none; `by_checker` tells which requests are a
    health checker's, `is_get` which have the method GET. 304 (unchanged) counts as answered.
    """
    is_kind = {kind: path_kinds == code for code, kind in enumerate(PATH_KINDS)}
    hundreds = status // 100
    answered = (hundreds == 2) | (status == 304)
    in_full = (status == 200) | (status == 304)
    rules = (
        ("health_check", by_checker | (is_kind["health_check"] & (status != 404))),
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
    """How many requests are what, by their positions in KINDS; the sum is their number.

    An asset is an asset whoever asked for it; any other request of a bot counts under bots; a
    person's by its kind.
    """
    asset = kind == KINDS.index("asset")
    bot = is_bot & ~asset
    people = np.bincount(kind[~asset & ~bot], minlength=len(KINDS))
    counts = {name: int(people[KINDS.index(one)]) for one, name in COUNTED_UNDER.items()}
    counts |= {"assets": int(asset.sum()), "bots": int(bot.sum())}
    return {name: counts[name] for name in BALANCE}


def _lower(texts: Iterable[str]) -> Iterator[str]:
    return (text.lower() for text in texts)
