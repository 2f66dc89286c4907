-- One row is one visit within the window before an order with a visit, with the shares of the
-- order's credit by each model. local_date is the UTC date of the order.
with

all_touches as (
    select *
    from order_touches
),

final as (
    select
        sales_source,
        order_id,
        touch,
        touches,
        channel,
        source,
        medium,
        referrer_domain,
        utm_campaign,
        days_before,
        is_window_cut,
        first_share,
        last_share,
        last_non_direct_share,
        linear_share,
        position_share,
        time_decay_share,
        markov_share,
        shapley_share,
        event_date as local_date,
        event_date
    from all_touches
)

select *
from final
