-- One row is one UTC date of a source of sales and a currency: its paid orders and its refunds.
-- Refunds count at their own date, also those of orders of earlier dates.
with

paid_orders as (
    select *
    from orders
    where status = 'paid'
),

all_refunds as (
    select *
    from refunds
),

movements as (
    select
        sales_source,
        event_date,
        currency,
        1 as orders,
        total_cents as gross_cents,
        if(sold_by = 'web', 1, 0) as web_orders,
        if(sold_by = 'web', total_cents, 0) as web_gross_cents,
        0 as refunds,
        0 as refunded_cents
    from paid_orders
    union all
    select
        sales_source,
        event_date,
        currency,
        0 as orders,
        0 as gross_cents,
        0 as web_orders,
        0 as web_gross_cents,
        1 as refunds,
        amount_cents as refunded_cents
    from all_refunds
),

sums as (
    select
        sales_source,
        event_date,
        currency,
        sum(orders) as orders,
        sum(gross_cents) as gross_cents,
        sum(web_orders) as web_orders,
        sum(web_gross_cents) as web_gross_cents,
        sum(refunds) as refunds,
        sum(refunded_cents) as refunded_cents
    from movements
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
        gross_cents - refunded_cents as net_cents,
        cast(round(cast(gross_cents as double) / nullif(orders, 0)) as bigint)
            as average_order_cents
    from sums
)

select *
from final
