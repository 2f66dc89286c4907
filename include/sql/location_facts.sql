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
        rent_cents,
        opening_cents,
        payback_months,
        margin,
        attraction,
        competition,
        currency,
        orders_low,
        orders_middle,
        orders_high,
        own_share,
        top_share,
        result_low_cents,
        result_middle_cents,
        result_high_cents,
        break_even,
        flags,
        is_by_money,
        beats_people,
        notes,
        event_date as local_date,
        event_date
    from all_candidates
)

select *
from final
