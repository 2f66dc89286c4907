-- One row is one UTC date, currency and channel of the arrivals that led to orders. Refunds count
-- at their own date, for the channel of their order. Sums over channels are those of revenue_daily.
with

all_money as (
    select *
    from money_facts
),

final as (
    select
        event_date,
        currency,
        channel,
        sum(orders) as orders,
        sum(matched_orders) as matched_orders,
        sum(gross_cents) as gross_cents,
        sum(refunded_cents) as refunded_cents,
        sum(net_cents) as net_cents
    from all_money
    group by event_date, currency, channel
)

select *
from final
