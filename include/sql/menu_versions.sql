-- One row is one version of an item on the menu of a source, with the dates for which it is valid.
-- The first version is also valid for all dates before it.
with

all_versions as (
    select *
    from menu_items
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                sales_source,
                item_id
            order by event_date
        ) as version,
        lead(event_date) over (
            partition by
                sales_source,
                item_id
            order by event_date
        ) as next_date
    from all_versions
),

final as (
    select
        sales_source,
        item_id,
        if(version = 1, null, event_date) as valid_from,
        next_date as valid_to,
        name,
        category,
        price_cents,
        cost_cents,
        currency
    from numbered
    where not is_removed
)

select *
from final
