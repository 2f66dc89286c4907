-- One row is one UTC date that was searched for suspected machines: its visitors, how many of them
-- are suspected, and the interval of the number of people. local_date is the same date.
with

estimates as (
    select *
    from people_estimates
),

final as (
    select
        visitors,
        suspected,
        lowest,
        highest,
        history_dates,
        event_date as local_date,
        event_date
    from estimates
)

select *
from final
