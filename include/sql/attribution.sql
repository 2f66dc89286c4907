-- One row is one visit's credit for one order or refund by one model: see docs/attribution.md.
-- Amounts are split by largest remainder, so for each model the credits of an order or a refund sum
-- to its amount, and those of a date to the net sales of revenue_daily. An order without a visit
-- has one row without a channel, and so has one without shares by the model: markov and shapley
-- have none with few orders before its date. The dashboard's copy of the facts runs the same SQL.
with

all_money as (
    select *
    from money_facts
),

all_orders as (
    select *
    from order_facts
),

all_touches as (
    select *
    from touch_facts
),

models (model) as (
    values
        ('first'), ('last'), ('last_non_direct'), ('linear'),
        ('position'), ('time_decay'), ('markov'), ('shapley')
),

first_orders as (
    select
        customer_key,
        min(local_date) as first_date
    from all_orders
    where customer_key is not null
    group by customer_key
),

weighted as (
    select
        all_money.sales_source,
        all_money.order_id,
        all_money.refund_id,
        all_money.currency,
        all_money.sold_by,
        all_money.customer_key,
        all_money.method,
        all_money.why_none,
        all_money.landing_page,
        all_money.device,
        all_money.country,
        all_money.region,
        all_money.city,
        all_money.orders,
        all_money.net_cents,
        all_money.local_date,
        all_money.local_hour,
        all_money.local_weekday,
        all_money.event_date,
        models.model,
        coalesce(all_touches.touch, 0) as touch,
        coalesce(all_touches.touches, 0) as touches,
        coalesce(all_touches.is_window_cut, true) as is_window_cut,
        all_touches.markov_share is not null as has_effects,
        all_touches.channel,
        all_touches.source,
        all_touches.medium,
        all_touches.referrer_domain,
        all_touches.utm_campaign,
        case
            when all_touches.touch is null then 1000000
            when models.model = 'first' then all_touches.first_share
            when models.model = 'last' then all_touches.last_share
            when models.model = 'last_non_direct' then all_touches.last_non_direct_share
            when models.model = 'linear' then all_touches.linear_share
            when models.model = 'position' then all_touches.position_share
            when models.model = 'time_decay' then all_touches.time_decay_share
            when models.model = 'markov' then all_touches.markov_share
            when models.model = 'shapley' then all_touches.shapley_share
        end as share
    from all_money
    cross join models
    left join all_touches
        on
            all_money.sales_source = all_touches.sales_source
            and all_money.order_id = all_touches.order_id
            and all_money.order_date = all_touches.event_date
            and all_money.method <> 'none'
            and (
                models.model not in ('markov', 'shapley') or all_touches.markov_share is not null
            )
),

whole_cents as (
    select
        *,
        mod(abs(net_cents) * share, 1000000) as remainder,
        cast((abs(net_cents) * share - mod(abs(net_cents) * share, 1000000)) / 1000000 as bigint)
            as cents
    from weighted
),

ranked as (
    select
        *,
        sum(cents) over (
            partition by
                model, event_date, local_date, sales_source, order_id, refund_id, currency
        ) as all_cents,
        row_number() over (
            partition by
                model, event_date, local_date, sales_source, order_id, refund_id, currency
            order by remainder desc, touch
        ) as place
    from whole_cents
),

final as (
    select
        ranked.sales_source,
        ranked.order_id,
        ranked.refund_id,
        ranked.model,
        ranked.touch,
        ranked.touches,
        ranked.is_window_cut,
        ranked.has_effects,
        ranked.channel,
        ranked.source,
        ranked.medium,
        ranked.referrer_domain,
        ranked.utm_campaign,
        ranked.share,
        case when ranked.net_cents < 0 then -1 else 1 end * (
            ranked.cents
            + case when ranked.place <= abs(ranked.net_cents) - ranked.all_cents then 1 else 0 end
        ) as credit_cents,
        ranked.orders,
        ranked.orders * ranked.share / 1000000e0 as credited_orders,
        ranked.currency,
        ranked.sold_by,
        ranked.customer_key,
        coalesce(ranked.orders = 1 and ranked.local_date = first_orders.first_date, false)
            as is_new_customer,
        ranked.method,
        ranked.why_none,
        ranked.landing_page,
        ranked.device,
        ranked.country,
        ranked.region,
        ranked.city,
        ranked.local_date,
        ranked.local_hour,
        ranked.local_weekday,
        ranked.event_date
    from ranked
    left join first_orders on ranked.customer_key = first_orders.customer_key
)

select *
from final
