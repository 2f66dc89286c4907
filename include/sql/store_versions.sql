-- One row is one version of a store of a source, with the dates for which it is valid. The first
-- version is also valid for all dates before it.
with

all_versions as (
    select *
    from stores
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                sales_source,
                store_id
            order by event_date
        ) as version,
        lead(event_date) over (
            partition by
                sales_source,
                store_id
            order by event_date
        ) as next_date
    from all_versions
),

final as (
    select
        sales_source,
        store_id,
        if(version = 1, null, event_date) as valid_from,
        next_date as valid_to,
        name,
        kind,
        latitude,
        longitude,
        country,
        region,
        city,
        time_zone,
        opened_on,
        closed_on
    from numbered
    where not is_removed
)

select *
from final
