-- One row is one campaign and date of a source of sales: what the campaign cost on a platform.
-- The date is the one of the platform's calendar, and local_date is the same date.
with

all_spend as (
    select *
    from campaign_spend
),

final as (
    select
        sales_source,
        platform,
        account,
        campaign_id,
        utm_source,
        utm_medium,
        utm_campaign,
        nullif(lower(trim(utm_source)), '') as source,
        nullif(lower(trim(utm_medium)), '') as medium,
        nullif(lower(trim(utm_campaign)), '') as campaign,
        currency,
        spend_cents,
        impressions,
        clicks,
        event_date as local_date,
        event_date
    from all_spend
)

select *
from final
