-- One row is one UTC date of a source of sales: its rows at the source and in the tables, its sums,
-- and what differs between them.
with

dates as (
    select *
    from sales_ledger
),

all_movements as (
    select *
    from movements
),

all_orders as (
    select *
    from orders
),

all_items as (
    select *
    from order_items
),

all_refunds as (
    select *
    from refunds
),

all_spending as (
    select *
    from campaign_spend
),

all_consents as (
    select *
    from consents
),

all_rejects as (
    select *
    from sales_rejects
),

money_of_dates as (
    select
        sales_source,
        event_date,
        sum(gross_cents) as gross_cents,
        sum(refunded_cents) as refunded_cents
    from all_movements
    group by sales_source, event_date
),

orders_of_dates as (
    select
        sales_source,
        event_date,
        count(*) as number
    from all_orders
    group by sales_source, event_date
),

items_of_dates as (
    select
        sales_source,
        event_date,
        count(*) as number,
        sum(amount_cents - discount_cents) as cents
    from all_items
    group by sales_source, event_date
),

refunds_of_dates as (
    select
        sales_source,
        event_date,
        count(*) as number
    from all_refunds
    group by sales_source, event_date
),

spending_of_dates as (
    select
        sales_source,
        event_date,
        count(*) as number,
        sum(spend_cents) as cents
    from all_spending
    group by sales_source, event_date
),

consents_of_dates as (
    select
        sales_source,
        event_date,
        count(*) as number
    from all_consents
    group by sales_source, event_date
),

rejects_of_dates as (
    select
        sales_source,
        event_date,
        count(*) as number
    from all_rejects
    group by sales_source, event_date
),

joined as (
    select
        dates.*,
        coalesce(orders_of_dates.number, 0) as stored_orders,
        coalesce(items_of_dates.number, 0) as stored_items,
        coalesce(refunds_of_dates.number, 0) as stored_refunds,
        coalesce(spending_of_dates.number, 0) as stored_spending,
        coalesce(consents_of_dates.number, 0) as stored_consents,
        coalesce(rejects_of_dates.number, 0) as stored_rejects,
        coalesce(money_of_dates.gross_cents, 0) as stored_gross_cents,
        coalesce(items_of_dates.cents, 0) as stored_items_cents,
        coalesce(money_of_dates.refunded_cents, 0) as stored_refunded_cents,
        coalesce(spending_of_dates.cents, 0) as stored_spend_cents
    from dates
    left join money_of_dates
        on
            dates.sales_source = money_of_dates.sales_source
            and dates.event_date = money_of_dates.event_date
    left join orders_of_dates
        on
            dates.sales_source = orders_of_dates.sales_source
            and dates.event_date = orders_of_dates.event_date
    left join items_of_dates
        on
            dates.sales_source = items_of_dates.sales_source
            and dates.event_date = items_of_dates.event_date
    left join refunds_of_dates
        on
            dates.sales_source = refunds_of_dates.sales_source
            and dates.event_date = refunds_of_dates.event_date
    left join spending_of_dates
        on
            dates.sales_source = spending_of_dates.sales_source
            and dates.event_date = spending_of_dates.event_date
    left join consents_of_dates
        on
            dates.sales_source = consents_of_dates.sales_source
            and dates.event_date = consents_of_dates.event_date
    left join rejects_of_dates
        on
            dates.sales_source = rejects_of_dates.sales_source
            and dates.event_date = rejects_of_dates.event_date
),

compared as (
    select
        *,
        source_orders + source_order_items + source_refunds
        + source_campaign_spend + source_consents
        - stored_orders - stored_items - stored_refunds
        - stored_spending - stored_consents - stored_rejects as missing_rows,
        gross_cents - stored_gross_cents as missing_gross_cents,
        items_cents - stored_items_cents as missing_items_cents,
        refunded_cents - stored_refunded_cents as missing_refunded_cents,
        spend_cents - stored_spend_cents as missing_spend_cents
    from joined
),

final as (
    select
        sales_source,
        event_date,
        currency,
        source_orders,
        source_order_items,
        source_refunds,
        stored_orders as orders,
        stored_items as order_items,
        stored_refunds as refunds,
        stored_spending as campaign_spend,
        stored_consents as consents,
        stored_rejects as rejected,
        stored_gross_cents as gross_cents,
        stored_refunded_cents as refunded_cents,
        stored_gross_cents - stored_refunded_cents as net_cents,
        stored_spend_cents as spend_cents,
        missing_rows,
        missing_gross_cents,
        missing_items_cents,
        missing_refunded_cents,
        missing_spend_cents,
        differing_orders,
        differing_cents,
        missing_rows = 0
        and missing_gross_cents = 0
        and missing_items_cents = 0
        and missing_refunded_cents = 0
        and missing_spend_cents = 0
        and stored_rejects = 0 as is_reconciled,
        published_at
    from compared
)

select *
from final
