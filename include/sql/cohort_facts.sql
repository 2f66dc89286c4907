-- One row is one cohort of suspected machines of a UTC date: why it is suspected, and how many of
-- its visitors are left out. local_date is the same date.
with

cohorts as (
    select *
    from suspected_cohorts
),

final as (
    select
        cohort,
        place,
        visitors,
        proved,
        explained,
        suspected,
        is_decided,
        reason,
        event_date as local_date,
        event_date
    from cohorts
)

select *
from final
