-- One row is one UTC date of a source of sales, as in reconciliation, with the main reasons
-- of its rejects, the orders that differ most, and refunds that do not fit their orders. local_date
-- is the same date.
with

dates as (
    select *
    from reconciliation
),

all_rejects as (
    select *
    from sales_rejects
),

all_differences as (
    select *
    from order_differences
),

all_refund_differences as (
    select *
    from refund_differences
),

reasons as (
    select
        sales_source,
        event_date,
        reason,
        count(*) as number
    from all_rejects
    group by sales_source, event_date, reason
),

reasons_in_order as (
    select
        *,
        row_number() over (
            partition by sales_source, event_date
            order by number desc, reason
        ) as place
    from reasons
),

reasons_of_dates as (
    select
        sales_source,
        event_date,
        array_join(array_agg(reason order by place), '; ') as reject_reasons
    from reasons_in_order
    where place <= 3
    group by sales_source, event_date
),

differences_in_order as (
    select
        *,
        row_number() over (
            partition by sales_source, event_date
            order by abs(difference_cents) desc, order_id
        ) as place
    from all_differences
),

differences_of_dates as (
    select
        sales_source,
        event_date,
        array_join(array_agg(order_id order by place), ', ') as differing_order_ids
    from differences_in_order
    where place <= 5
    group by sales_source, event_date
),

refunds_in_order as (
    select
        *,
        row_number() over (
            partition by sales_source, event_date
            order by refund_id
        ) as place
    from all_refund_differences
),

refunds_of_dates as (
    select
        sales_source,
        event_date,
        count(*) as number,
        array_join(
            array_agg(refund_id || ' (' || difference || ')' order by place)
            filter (where place <= 5),
            ', '
        ) as ids
    from refunds_in_order
    group by sales_source, event_date
),

final as (
    select
        dates.sales_source,
        dates.currency,
        dates.source_orders,
        dates.source_order_items,
        dates.source_refunds,
        dates.orders,
        dates.order_items,
        dates.refunds,
        dates.rejected,
        dates.gross_cents,
        dates.refunded_cents,
        dates.net_cents,
        dates.missing_rows,
        dates.missing_gross_cents,
        dates.missing_items_cents,
        dates.missing_refunded_cents,
        dates.missing_spend_cents,
        dates.differing_orders,
        dates.differing_cents,
        dates.is_reconciled,
        reasons_of_dates.reject_reasons,
        differences_of_dates.differing_order_ids,
        coalesce(refunds_of_dates.number, 0) as differing_refunds,
        refunds_of_dates.ids as differing_refund_ids,
        dates.published_at,
        dates.event_date as local_date,
        dates.event_date
    from dates
    left join reasons_of_dates
        on
            dates.sales_source = reasons_of_dates.sales_source
            and dates.event_date = reasons_of_dates.event_date
    left join differences_of_dates
        on
            dates.sales_source = differences_of_dates.sales_source
            and dates.event_date = differences_of_dates.event_date
    left join refunds_of_dates
        on
            dates.sales_source = refunds_of_dates.sales_source
            and dates.event_date = refunds_of_dates.event_date
)

select *
from final
