-- One row is one version of a measure of a place in a year, such as people. The current values are
-- those without valid_to. Measures can count the same people, so a sum is over one measure.
with

all_versions as (
    select *
    from demographics
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                sales_source,
                place_id,
                year,
                measure
            order by event_date
        ) as version,
        lead(event_date) over (
            partition by
                sales_source,
                place_id,
                year,
                measure
            order by event_date
        ) as next_date
    from all_versions
),

final as (
    select
        sales_source,
        place_id,
        year,
        measure,
        if(version = 1, null, event_date) as valid_from,
        next_date as valid_to,
        name,
        country,
        region,
        value
    from numbered
    where not is_removed
)

select *
from final
