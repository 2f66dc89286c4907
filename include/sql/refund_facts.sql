-- One row is one refund, with its date, hour and weekday in the site's time zone.
with

all_refunds as (
    select *
    from movements
    where movement = 'refund'
),

in_local_time as (
    select
        *,
        with_timezone(moved_at, 'UTC') at time zone '{time_zone}' as local_time
    from all_refunds
),

final as (
    select
        sales_source,
        movement_id as refund_id,
        order_id,
        currency,
        refund_kind as kind,
        refunded_cents as amount_cents,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        day_of_week(local_time) as local_weekday,
        event_date
    from in_local_time
)

select *
from final
