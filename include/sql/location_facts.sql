-- One row is one candidate for a new café in the plan of a UTC date. local_date is the same date.
with

all_candidates as (
    select *
    from location_candidates
),

final as (
    select
        run_id,
        planned_at,
        first_date,
        last_date,
        rank,
        name,
        place,
        latitude,
        longitude,
        attraction,
        competition,
        orders_low,
        orders_middle,
        orders_high,
        own_share,
        top_share,
        flags,
        beats_people,
        notes,
        event_date as local_date,
        event_date
    from all_candidates
)

select *
from final
