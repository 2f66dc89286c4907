-- One row is one customer of the paid orders that name their customers, in one currency. Refunds
-- count for the customer of their order; those without an order count for none.
with

all_orders as (
    select *
    from orders
),

all_refunds as (
    select *
    from refunds
),

paid_orders as (
    select *
    from all_orders
    where
        status = 'paid'
        and customer_key is not null
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
        paid_orders.customer_key,
        paid_orders.currency,
        min(paid_orders.ordered_at) as first_order_at,
        max(paid_orders.ordered_at) as last_order_at,
        count(*) as orders,
        sum(paid_orders.total_cents - coalesce(refunds_of_orders.cents, 0)) as net_cents
    from paid_orders
    left join refunds_of_orders
        on
            paid_orders.sales_source = refunds_of_orders.sales_source
            and paid_orders.order_id = refunds_of_orders.order_id
    group by paid_orders.customer_key, paid_orders.currency
)

select *
from final
