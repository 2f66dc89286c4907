-- One row is one movement of money: a paid order at its date, or a refund at its own date. All sums
-- of sales are sums of it. An id is on one date only, because a second one is a reject.
with

all_orders as (
    select *
    from orders
),

all_refunds as (
    select *
    from refunds
),

final as (
    select
        sales_source,
        'order' as movement,
        order_id as movement_id,
        order_id,
        ordered_at as moved_at,
        cast(null as varchar) as refund_kind,
        currency,
        sold_by,
        store_id,
        customer_key,
        coupon,
        1 as orders,
        case when sold_by in ('web', 'app') then 1 else 0 end as web_orders,
        0 as refunds,
        total_cents as gross_cents,
        0 as refunded_cents,
        total_cents as net_cents,
        event_date
    from all_orders
    where status = 'paid'
    union all
    select
        sales_source,
        'refund' as movement,
        refund_id as movement_id,
        order_id,
        refunded_at as moved_at,
        kind as refund_kind,
        currency,
        cast(null as varchar) as sold_by,
        cast(null as varchar) as store_id,
        cast(null as varchar) as customer_key,
        cast(null as varchar) as coupon,
        0 as orders,
        0 as web_orders,
        1 as refunds,
        0 as gross_cents,
        amount_cents as refunded_cents,
        -amount_cents as net_cents,
        event_date
    from all_refunds
)

select *
from final
