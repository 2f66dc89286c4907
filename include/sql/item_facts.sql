-- One row is one line of a paid order, at the date of the order in the site's time zone.
with

paid_orders as (
    select *
    from movements
    where movement = 'order'
),

all_items as (
    select *
    from order_items
),

final as (
    select
        all_items.sales_source,
        all_items.order_id,
        all_items.line,
        all_items.currency,
        coalesce(all_items.item_id, all_items.name_as_sold, 'unknown') as item,
        coalesce(all_items.name_as_sold, all_items.item_id, 'unknown') as name,
        all_items.quantity,
        all_items.amount_cents,
        all_items.discount_cents,
        cast(
            with_timezone(paid_orders.moved_at, 'UTC') at time zone '{time_zone}' as date
        ) as local_date,
        all_items.event_date
    from all_items
    inner join paid_orders
        on
            all_items.event_date = paid_orders.event_date
            and all_items.sales_source = paid_orders.sales_source
            and all_items.order_id = paid_orders.order_id
)

select *
from final
