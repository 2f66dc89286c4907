-- One row is one UTC date of paid orders of a source and a currency, less the refunds of these
-- orders on any date. So its refunds can grow later; those without an order count for none.
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

refunds_of_orders as (
    select
        sales_source,
        order_id,
        sum(amount_cents) as cents
    from all_refunds
    where order_id is not null
    group by sales_source, order_id
),

final as (
    select
        paid_orders.sales_source,
        paid_orders.event_date as order_date,
        paid_orders.currency,
        count(*) as orders,
        sum(paid_orders.total_cents) as gross_cents,
        coalesce(sum(refunds_of_orders.cents), 0) as refunded_cents,
        sum(paid_orders.total_cents) - coalesce(sum(refunds_of_orders.cents), 0) as net_cents
    from paid_orders
    left join refunds_of_orders
        on
            paid_orders.sales_source = refunds_of_orders.sales_source
            and paid_orders.order_id = refunds_of_orders.order_id
    group by paid_orders.sales_source, paid_orders.event_date, paid_orders.currency
)

select *
from final
