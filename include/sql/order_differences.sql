-- One row is one order whose parts do not give its total: items - discounts + tax (unless the items
-- include it) + delivery + tip + rounding. Without a sum of its items, its lines are summed. If no
-- order of a date of the source has either, the source does not know them, and none is compared.
with

all_orders as (
    select *
    from orders
),

all_items as (
    select *
    from order_items
),

lines_of_orders as (
    select
        sales_source,
        event_date,
        order_id,
        sum(amount_cents - discount_cents) as cents
    from all_items
    group by sales_source, event_date, order_id
),

parts as (
    select
        all_orders.*,
        coalesce(all_orders.items_cents, lines_of_orders.cents, 0)
        - all_orders.discount_cents
        + if(all_orders.is_tax_included, 0, all_orders.tax_cents)
        + all_orders.shipping_cents
        + all_orders.tip_cents
        + all_orders.rounding_cents as parts_cents,
        count(coalesce(all_orders.items_cents, lines_of_orders.cents)) over (
            partition by all_orders.sales_source, all_orders.event_date
        ) as orders_with_parts
    from all_orders
    left join lines_of_orders
        on
            all_orders.sales_source = lines_of_orders.sales_source
            and all_orders.event_date = lines_of_orders.event_date
            and all_orders.order_id = lines_of_orders.order_id
),

final as (
    select
        sales_source,
        event_date,
        order_id,
        order_number,
        status,
        total_cents,
        parts_cents,
        total_cents - parts_cents as difference_cents,
        currency,
        source_object,
        row_number
    from parts
    where total_cents <> parts_cents and orders_with_parts > 0
)

select *
from final
