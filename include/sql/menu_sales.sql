-- One row is one item that a source sold on a UTC date, by the lines of paid orders. Discounts of
-- whole orders, tips and refunds belong to no item, so they are not in it.
with

paid_orders as (
    select
        sales_source,
        event_date,
        order_id
    from movements
    where movement = 'order'
),

all_items as (
    select *
    from order_items
),

lines as (
    select
        all_items.sales_source,
        all_items.event_date,
        all_items.currency,
        coalesce(all_items.item_id, all_items.name_as_sold, 'unknown') as item,
        all_items.name_as_sold,
        all_items.quantity,
        all_items.amount_cents,
        all_items.discount_cents
    from all_items
    inner join paid_orders
        on
            all_items.sales_source = paid_orders.sales_source
            and all_items.event_date = paid_orders.event_date
            and all_items.order_id = paid_orders.order_id
),

final as (
    select
        sales_source,
        event_date,
        currency,
        item,
        coalesce(max(name_as_sold), item) as name,
        count(*) as lines,
        sum(quantity) as quantity,
        sum(amount_cents) as amount_cents,
        sum(discount_cents) as discount_cents
    from lines
    group by sales_source, event_date, currency, item
)

select *
from final
