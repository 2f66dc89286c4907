-- One row is one UTC date, currency and campaign of the arrivals that led to orders. Refunds count
-- at their own date, for the campaign of their order. Sums are those of revenue_daily.
with

all_money as (
    select *
    from money_facts
),

final as (
    select
        event_date,
        currency,
        utm_campaign,
        source,
        medium,
        sum(orders) as orders,
        sum(matched_orders) as matched_orders,
        sum(gross_cents) as gross_cents,
        sum(refunded_cents) as refunded_cents,
        sum(net_cents) as net_cents
    from all_money
    group by event_date, currency, utm_campaign, source, medium
)

select *
from final
