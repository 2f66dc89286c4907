-- One row is one version of a measure of a place, at the UTC date on which the lake stored it.
-- local_date is the same date. The dashboard reads the newest versions; the earlier ones stay,
-- so a new version changes only the rows of its own date.
with

all_versions as (
    select *
    from demographics
),

final as (
    select
        sales_source,
        place_id,
        name,
        country,
        region,
        year,
        measure,
        value,
        is_removed,
        event_date as local_date,
        event_date
    from all_versions
)

select *
from final
