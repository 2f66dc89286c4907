-- One row is one version of a store of a source, at the UTC date on which the lake stored it.
-- local_date is the same date. Earlier versions stay, so a new one changes only the rows of its
-- own date.
with

all_versions as (
    select *
    from stores
),

final as (
    select
        sales_source,
        store_id,
        name,
        kind,
        latitude,
        longitude,
        closed_on,
        is_removed,
        event_date as local_date,
        event_date
    from all_versions
)

select *
from final
