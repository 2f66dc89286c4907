-- One row is one refund that does not fit its order: the order is missing, is later, or is refunded
-- by more than its total in all, or by less than nothing. A source without orders is not compared.
with

all_orders as (
    select *
    from orders
),

all_refunds as (
    select *
    from refunds
),

sources_with_orders as (
    select distinct sales_source
    from all_orders
),

sums as (
    select
        all_refunds.*,
        sum(amount_cents) over (
            partition by sales_source, order_id
            order by refunded_at, refund_id
            rows between unbounded preceding and current row
        ) as sum_cents
    from all_refunds
),

compared as (
    select
        sums.sales_source,
        sums.event_date,
        sums.refund_id,
        sums.order_id,
        sums.amount_cents,
        sums.sum_cents,
        if(all_orders.status = 'paid', all_orders.total_cents, 0) as order_cents,
        case
            when all_orders.order_id is null then 'of no order'
            when sums.sum_cents > if(all_orders.status = 'paid', all_orders.total_cents, 0)
                then 'above its order'
            when sums.sum_cents < 0 then 'reversed beyond what was refunded'
            when sums.refunded_at < all_orders.ordered_at then 'before its order'
        end as difference,
        sums.currency
    from sums
    inner join sources_with_orders
        on sums.sales_source = sources_with_orders.sales_source
    left join all_orders
        on
            sums.sales_source = all_orders.sales_source
            and sums.order_id = all_orders.order_id
),

final as (
    select
        sales_source,
        event_date,
        refund_id,
        order_id,
        amount_cents,
        sum_cents,
        order_cents,
        difference,
        currency
    from compared
    where difference is not null
)

select *
from final
