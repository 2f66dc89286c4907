-- One row is one UTC date of paid orders of a source and a currency, less the refunds of these
-- orders on any date. So its refunds can grow later; those without an order count for none.
with

all_money as (
    select *
    from money_facts
),

final as (
    select
        sales_source,
        order_date,
        currency,
        sum(orders) as orders,
        sum(gross_cents) as gross_cents,
        sum(refunded_cents) as refunded_cents,
        sum(net_cents) as net_cents
    from all_money
    where order_date is not null
    group by sales_source, order_date, currency
)

select *
from final
