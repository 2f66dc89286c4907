-- One row is one movement: a paid order at its date, or a refund at its own date with the arrival
-- and the place of its order. So sums by date are those of revenue_daily, and a past date does not
-- change. Each refund is one row, also while a pull moves its order to another date: if two dates
-- have the order, the later one counts.
-- The dashboard's copy of the facts runs the same SQL.
with

all_orders as (
    select *
    from order_facts
),

all_refunds as (
    select *
    from refund_facts
),

orders_of_refunds as (
    select
        all_orders.sales_source,
        all_orders.order_id,
        max(all_orders.event_date) as order_date
    from all_orders
    inner join all_refunds
        on
            all_orders.sales_source = all_refunds.sales_source
            and all_orders.order_id = all_refunds.order_id
    group by all_orders.sales_source, all_orders.order_id
),

final as (
    select
        sales_source,
        order_id,
        cast(null as varchar) as refund_id,
        cast(null as varchar) as refund_kind,
        currency,
        sold_by,
        customer_key,
        method,
        why_none,
        channel,
        source,
        medium,
        referrer_domain,
        utm_campaign,
        landing_page,
        device,
        country,
        region,
        city,
        1 as orders,
        case when sold_by in ('web', 'app') then 1 else 0 end as web_orders,
        case when method = 'none' then 0 else 1 end as matched_orders,
        0 as refunds,
        total_cents as gross_cents,
        0 as refunded_cents,
        total_cents as net_cents,
        event_date as order_date,
        local_date,
        local_hour,
        local_weekday,
        event_date
    from all_orders
    union all
    select
        all_refunds.sales_source,
        all_refunds.order_id,
        all_refunds.refund_id,
        all_refunds.kind as refund_kind,
        all_refunds.currency,
        all_orders.sold_by,
        all_orders.customer_key,
        coalesce(all_orders.method, 'none') as method,
        case
            when all_orders.order_id is null then 'no paid order'
            else all_orders.why_none
        end as why_none,
        all_orders.channel,
        all_orders.source,
        all_orders.medium,
        all_orders.referrer_domain,
        all_orders.utm_campaign,
        all_orders.landing_page,
        all_orders.device,
        all_orders.country,
        all_orders.region,
        all_orders.city,
        0 as orders,
        0 as web_orders,
        0 as matched_orders,
        1 as refunds,
        0 as gross_cents,
        all_refunds.amount_cents as refunded_cents,
        -all_refunds.amount_cents as net_cents,
        orders_of_refunds.order_date,
        all_refunds.local_date,
        all_refunds.local_hour,
        all_refunds.local_weekday,
        all_refunds.event_date
    from all_refunds
    left join orders_of_refunds
        on
            all_refunds.sales_source = orders_of_refunds.sales_source
            and all_refunds.order_id = orders_of_refunds.order_id
    left join all_orders
        on
            orders_of_refunds.sales_source = all_orders.sales_source
            and orders_of_refunds.order_id = all_orders.order_id
            and orders_of_refunds.order_date = all_orders.event_date
)

select *
from final
