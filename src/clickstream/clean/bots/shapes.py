r"""What bots nobody has listed yet look like, and what people's programs look like.

A bot says what it does (a crawler, a checker), or leaves an address to complain to, or is a name
with no system it runs on: people's browsers and apps have always named theirs. The patterns are
RE2's, upper and lower case alike, and the words were tried on lists of real people's agents, so
many a plain word ("search", "feed", "scan") is bound to its neighbours: apps carry it, too.
"""

from __future__ import annotations

from clickstream.clean.bots.verdict import (
    AI_USER,
    FEED_READER,
    LINK_PREVIEW,
    MONITOR,
    OTHER,
    SCANNER,
    SEARCH_ENGINE,
    SEO,
    TOOL,
)

WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "calls itself a scanner",
        SCANNER,
        r"[^m]scanner|scanning|[a-z-]scan\b|vulnerab|nikto|sqlmap|nmap|openvas"
        r"|securityheaders|nuclei\b|zgrab|masscan",
    ),
    (
        "is an automated browser",
        TOOL,
        r"headless|phantomjs|slimerjs|selenium|webdriver|puppeteer|playwright"
        r"|cypress/|htmlunit|wkhtml|webkit2|synthetic",
    ),
    (
        "calls itself a monitor",
        MONITOR,
        r"monitor(ing)?\b|uptime|watchdog|observatory|\bwpm\b|pingdom|ptst[ /]"
        r"|page ?speed|lighthouse|functionize|appinsights|health-?check",
    ),
    (
        "calls itself a preview",
        LINK_PREVIEW,
        r"(link|web|page|uri)[ -]preview|[a-z]preview/|preview(er|bot)|(link|uri)preview"
        r"|thumbnail|mshots|screenshot|snapshot|favicon|unfurl|embedly|transcoder"
        r"|imageproxy|webthumb|web-?capture",
    ),
    (
        "calls itself a feed reader",
        FEED_READER,
        r"feed(fetch|burner|ly|demon|read|pars|bot|valid|check|er\b|s/)|^rss|rss\b|rss/"
        r"|^feed",
    ),
    ("does search engine optimisation", SEO, r"\bseo\b|seo[b-mp-tv-z-]|backlink|siteimprove"),
    ("calls itself an indexer", SEARCH_ENGINE, r"search ?engine|\bindexer|nutch|snapsearch"),
    ("calls itself a bot", OTHER, r"bots?([^a-z]|$)|(^|[^a-z])bot[-_ ]|robot"),
    ("calls itself a crawler", OTHER, r"crawl"),
    ("calls itself a spider", OTHER, r"spider|spyder"),
    (
        "calls itself a scraper",
        OTHER,
        r"scrape|scraping|scrapy|harvest|\bgrabber|extractor|httrack|sucker",
    ),
    (
        "calls itself a checker",
        OTHER,
        r"checker|[a-z]check\b|check(link|url|host|bot)|validator|verif(y/|ier)"
        r"|verification|inspect(or|ion)|optimi[sz]er|compliance|tester\b|diagnostic"
        r"|examiner",
    ),
    (
        "calls itself a survey",
        OTHER,
        r"analy[sz]er|classifier|research|measurement|survey",
    ),
    ("calls itself an agent", OTHER, r"agent([;)]|$|[ /][0-9])"),
    (
        "is an HTTP library",
        TOOL,
        r"python|curl/|libwww-perl|java/1|http[ -]?client|guzzle|\bgo-http|node-fetch"
        r"|node\.js|powershell|winhttp|fasthttp|url control|webdav|linux-gnu"
        r"|linux/amd64|siege/|docker/|\bgo/go",
    ),
    (
        "is an office program",
        TOOL,
        r"^microsoft office [a-z]* (20|disc)|\) (word|excel|powerpoint)/",
    ),
)
"""What bots say of themselves: what gives it away, its class, and how it is written."""

MARKS: tuple[tuple[str, str, str], ...] = (
    ("calls itself a user's assistant", AI_USER, r"[a-z]-user/[0-9]"),
    ("calls itself a fetcher", OTHER, r"fetcher|[a-z]fetch\b|fetchbot|retriever"),
    # A guest in an engine's comment or behind it: (KHTML, like Gecko; compatible; Name/1.0; …)
    (
        "is a guest in a browser's agent",
        OTHER,
        r"like gecko; |like gecko, [^hs]|(safari|firefox)/[0-9.]+ \(compatible"
        r"|[^a-z]google-[a-z]|[a-z]-google\b|firefox mutant|\(via ",
    ),
    (
        "gives an address to complain to",
        OTHER,
        r"https?:?//|\bwww\.|[a-z0-9_.-](@|\(at\)|\[at\])[a-z0-9-]+(\.| dot )[a-z]"
        r"|[a-z0-9-]\.(com|net|org|io|ai|gy|info)(/[a-z]|/?\)|$)",
    ),
)
"""What else marks bots, and some programs of people's: those of LEFT_ALONE."""

PLATFORM = "|".join(
    (
        # A browser's engine; all of Mozilla's kin name one.
        r"msie|trident|gecko|webkit|khtml|presto|firefox/|chrome/|opera|konqueror|browser(/|\)|$)",
        # Systems on desks and in pockets.
        r"windows( nt| phone| ce| mobile| xp| 9|/)|win(9|nt|32)|macintosh|mac_p|mac ?os|osx|os/2",
        r"x11|\bcros\b|sunos|solaris|amiga|aros|morphos|haiku|beos|risc os|inferno",
        r"android|dalvik|harmony|iphone|ipad|ipod|\bios[ /]|watch ?os|apple ?tv|cfnetwork|darwin",
        r"symbian|series ?60|blackberry|bb10|playbook|tizen|web[o0]s\b|kaios|fuchsia|palm|brew\b",
        # Phones before there were systems to name.
        r"midp|j2me|java;|cldc|wap\b|up\.(browser|link)|ucweb|ucbrowser|netfront|dolfin|maui|docomo",
        r"nokia|samsung|sonyericsson|\blg[-e/]|mot-|htc|kddi|portalmmm",
        # Television sets, boxes, consoles, loudspeakers.
        r"hbbtv|smart-?tv|smarthub|netcast|vizio|philips|\bsony|roku|sonos|playstation|nintendo",
        r"xbox|\bps (vita|[345])|crkey|quicktime|galaxyclient",
        # Text browsers, and apps that name no system.
        r"lynx|^links|elinks|w3m|netsurf|dillo|mosaic|outlook|microsoft office/|ms-office",
        r"\bfb(an|av)/|networkingextension|googleapp/|mozacfetch|pinterest|com\.apple\.",
        # On lists of people's agents, whatever they are.
        r"yahoo! slurp\)|lucidworks|amazon-kendra",
    )
)
"""What people's programs name at least one of: the system, device or engine they run on."""

LEFT_ALONE = (
    r"mozacfetch|like gecko; opera|"
    r"bsalsa\.com|avantbrowser\.com|qtweb\.net|\bxbmc\b"
)
"""People's programs with marks of bots: some browsers give their makers' address."""

MODEL = "|".join(
    (
        r"(Android [\d.]+;(?: \w\w(?:-\w\w)?;)?)[^;)]*",
        r"\bFB(?:DV|MD|BD|MF)/[^;\]]*",  # device, model, brand and maker in Facebook's apps
        r"(\bAndroid \()\d+/[^)]*",  # the device in Instagram's
        r"\b(?i:cubot)(?![A-Za-z])",  # a maker of telephones
    )
)
"""A telephone's model, which is no program's name: there is a "Cubot", a "Spider 8", an "M bot".

What is before the model is a group, which stays.
"""
