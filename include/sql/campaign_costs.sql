-- One row is one UTC date, currency, campaign and source: what it cost, and the visits of people
-- with its tags. Visits and costs meet by the campaign and, if both have one, by the source, in
-- lower case. Costs in several currencies meet the visits only in the first currency.
with

all_spend as (
    select *
    from spend_facts
),

all_visits as (
    select *
    from sessions
),

costs as (
    select
        event_date,
        currency,
        campaign,
        source,
        sum(spend_cents) as spend_cents,
        sum(impressions) as impressions,
        sum(clicks) as clicks
    from all_spend
    group by event_date, currency, campaign, source
),

visits as (
    select
        session_date as event_date,
        nullif(lower(trim(utm_campaign)), '') as campaign,
        source,
        count(*) as visits
    from all_visits
    where trim(utm_campaign) <> ''
    group by 1, 2, 3
),

pairs as (
    select
        visits.event_date,
        costs.currency,
        visits.campaign,
        if(costs.campaign is null, visits.source, costs.source) as source,
        visits.visits,
        row_number() over (
            partition by visits.event_date, visits.campaign, visits.source
            order by costs.source is null, costs.source, costs.currency
        ) as place
    from visits
    left join costs
        on
            visits.event_date = costs.event_date
            and visits.campaign = costs.campaign
            and (
                costs.source is null
                or visits.source is null
                or visits.source = costs.source
            )
),

movements as (
    select
        event_date,
        currency,
        campaign,
        source,
        0 as visits,
        spend_cents,
        impressions,
        clicks
    from costs
    union all
    select
        event_date,
        currency,
        campaign,
        source,
        visits,
        0 as spend_cents,
        cast(null as bigint) as impressions,
        cast(null as bigint) as clicks
    from pairs
    where place = 1
),

final as (
    select
        event_date,
        currency,
        campaign,
        source,
        sum(visits) as visits,
        sum(spend_cents) as spend_cents,
        sum(impressions) as impressions,
        sum(clicks) as clicks
    from movements
    group by event_date, currency, campaign, source
)

select *
from final
