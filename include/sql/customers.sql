-- One row is one customer of the paid orders that name their customers, in one currency. Refunds
-- count for the customer of their order; those without an order count for none.
with

all_movements as (
    select *
    from movements
),

customers_of_orders as (
    select
        sales_source,
        order_id,
        max(customer_key) as customer_key
    from all_movements
    where movement = 'order'
    group by sales_source, order_id
),

final as (
    select
        customers_of_orders.customer_key,
        all_movements.currency,
        min(if(all_movements.movement = 'order', all_movements.moved_at)) as first_order_at,
        max(if(all_movements.movement = 'order', all_movements.moved_at)) as last_order_at,
        sum(all_movements.orders) as orders,
        sum(all_movements.net_cents) as net_cents
    from all_movements
    inner join customers_of_orders
        on
            all_movements.sales_source = customers_of_orders.sales_source
            and all_movements.order_id = customers_of_orders.order_id
    where customers_of_orders.customer_key is not null
    group by customers_of_orders.customer_key, all_movements.currency
)

select *
from final
