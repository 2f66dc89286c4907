"""The metrics of bots, and of agents whose signatures are verified."""

from __future__ import annotations

from clickstream.dashboard.ask.fact_views import AGENTS, BOT_PAGES, BOTS, HOURS
from clickstream.dashboard.ask.metric_type import Metric
from clickstream.dashboard.ask.operators import CONFIRMED_SQL

BOT_METRICS = (
    Metric(
        "networks_dated",
        HOURS,
        "List of hosting networks",
        "cast(max(networks_dated) as timestamp)",
        "Date of the newest ASN database by which browsers from hosting networks were found.",
        "How old is the list of hosting networks?",
        format="moment",
        good="neither",
    ),
    Metric(
        "bot_requests",
        BOTS,
        "Requests",
        "coalesce(sum(requests), 0)",
        "Requests of these bots, except for images, style sheets, scripts and health checks.",
        "Which bots read the site?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "bot_bytes",
        BOTS,
        "Data",
        "case when count(bytes) = count(*) then nullif(sum(bytes), 0) end",
        "Size of the responses to these bots, without the headers.",
        "How much of the server's traffic do bots take?",
        "It is not known if the log has no sizes.",
        format="bytes",
        good="neither",
    ),
    Metric(
        "bot_errors",
        BOTS,
        "Errors",
        "coalesce(sum(errors), 0)",
        "Requests of these bots that the server answered with a status 4xx or 5xx.",
        "Do bots request pages that do not exist?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "bot_error_share",
        BOTS,
        "Error share",
        "cast(sum(errors) as double) / nullif(sum(requests), 0)",
        "Share of the requests of these bots that the server answered with 4xx or 5xx.",
        "Do bots request pages that do not exist?",
        format="share",
        good="neither",
        smallest_group=30,
        size_sql="sum(requests)",
    ),
    Metric(
        "bot_confirmed",
        BOTS,
        "Confirmed",
        CONFIRMED_SQL,
        (
            "Requests that come from a network that the operator of the bot publishes. Requests "
            "from other networks under its name are those of an impostor."
        ),
        "Are these bots what they claim to be?",
        "Only bots with a list of networks in the settings are checked.",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "bot_newest",
        BOTS,
        "Newest",
        "max(hour_at)",
        "Start of the newest hour with a request of these bots.",
        "Do these bots still come?",
        format="moment",
        good="neither",
    ),
    Metric(
        "crawl_requests",
        BOT_PAGES,
        "Requests",
        "coalesce(sum(requests), 0)",
        (
            "Requests of bots for the page, except for images, style sheets, scripts and "
            "health checks."
        ),
        "What do bots read?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "crawl_bytes",
        BOT_PAGES,
        "Data",
        "nullif(sum(bytes), 0)",
        "Size of the responses to bots, without the headers.",
        "Which pages cause much of the traffic?",
        "It is not known if the log has no sizes.",
        format="bytes",
        good="neither",
    ),
    Metric(
        "crawl_errors",
        BOT_PAGES,
        "Errors",
        "coalesce(sum(errors), 0)",
        "Requests of bots for the page that were answered with a status 4xx or 5xx.",
        "Which pages do bots not find?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "crawl_pages",
        BOT_PAGES,
        "Pages",
        "count(distinct page)",
        "Number of different pages that bots requested.",
        "How much of the site do bots read?",
        (
            "Of each program and date, the 500 most requested paths are known. If there "
            "are others, the number is a lower bound."
        ),
        good="neither",
    ),
    Metric(
        "crawl_robots",
        BOT_PAGES,
        "robots.txt",
        "coalesce(sum(requests) filter (where path = '/robots.txt'), 0)",
        "Requests of bots for the file robots.txt, which has the site's rules for bots.",
        "Do bots ask for the rules?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "crawl_other_pages",
        BOT_PAGES,
        "Other pages",
        "coalesce(sum(other_pages), 0)",
        (
            "Number of pages beyond the 500 most requested paths of each program and "
            "date. A page counts again on each date and for each program."
        ),
        "Is the number of pages complete?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "agent_visits",
        AGENTS,
        "Visits",
        "coalesce(sum(sessions) filter (where goal is null and step is null), 0)",
        (
            "Visits with at least one page view of agents whose signatures are verified. They are "
            "no visits of people."
        ),
        "Which agents visit the site?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "agent_page_views",
        AGENTS,
        "Page views",
        "coalesce(sum(page_views) filter (where goal is null and step is null), 0)",
        "Pages viewed in the visits of agents whose signatures are verified.",
        "How much do agents look at?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "agent_goal_visits",
        AGENTS,
        "Visits with the goal",
        "coalesce(sum(sessions) filter (where goal is not null), 0)",
        "Visits of verified agents that met a goal; a visit counts once for each goal.",
        "Which agents order?",
        is_additive=True,
    ),
    Metric(
        "agent_step_visits",
        AGENTS,
        "Visits at the step",
        "coalesce(sum(sessions) filter (where step is not null), 0)",
        "Visits of verified agents that reached a step of the funnel after all steps before it.",
        "Where do agents stop on the way to an order?",
        good="neither",
        is_additive=True,
    ),
)
