-- One row is one UTC date of a source of sales and a currency: its paid orders and its refunds.
-- Refunds count at their own date, also those of orders of earlier dates.
with

all_movements as (
    select *
    from movements
),

sums as (
    select
        sales_source,
        event_date,
        currency,
        sum(orders) as orders,
        sum(gross_cents) as gross_cents,
        sum(web_orders) as web_orders,
        sum(web_orders * gross_cents) as web_gross_cents,
        sum(refunds) as refunds,
        sum(refunded_cents) as refunded_cents,
        sum(net_cents) as net_cents
    from all_movements
    group by sales_source, event_date, currency
),

final as (
    select
        sales_source,
        event_date,
        currency,
        orders,
        gross_cents,
        web_orders,
        web_gross_cents,
        refunds,
        refunded_cents,
        net_cents,
        cast(round(cast(gross_cents as double) / nullif(orders, 0)) as bigint)
            as average_order_cents
    from sums
)

select *
from final
