-- One row is one channel's credit in one month, by one model, with its 90 % interval: that of a
-- Poisson bootstrap over customers, by the sums of squares and cubes (Cornish-Fisher). It is the
-- chance of which customers ordered, and not the error of the model. A credit that is not at least
-- that of 20 customers with equal credits, by sum² / sum of squares, has no interval.
with

credits as (
    select *
    from attribution
),

of_customers as (
    select
        date_trunc('month', event_date) as month_start,
        currency,
        model,
        channel,
        coalesce(customer_key, order_id, refund_id) as customer,
        cast(sum(credit_cents) as double) as cents,
        sum(credited_orders) as orders
    from credits
    group by 1, 2, 3, 4, 5
),

sums as (
    select
        month_start,
        currency,
        model,
        channel,
        sum(orders) as credited_orders,
        sum(cents) as credit,
        sum(cents * cents) as squares,
        sum(cents * cents * cents) as cubes
    from of_customers
    group by 1, 2, 3, 4
),

limits as (
    select
        *,
        credit + 0.284 * coalesce(cubes / nullif(squares, 0e0), 0e0) as middle,
        1.645 * sqrt(squares) as apart
    from sums
),

final as (
    select
        month_start,
        currency,
        model,
        channel,
        credited_orders,
        cast(round(credit) as bigint) as credit_cents,
        cast(round(case
            when credit * credit < 20e0 * squares then null
            when credit >= 0e0 then greatest(least(middle - apart, credit), 0e0)
            else least(middle - apart, credit)
        end) as bigint) as low_cents,
        cast(round(case
            when credit * credit < 20e0 * squares then null
            else greatest(middle + apart, credit)
        end) as bigint) as high_cents
    from limits
)

select *
from final
