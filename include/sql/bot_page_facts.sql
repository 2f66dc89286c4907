-- One row is one path that one kind of bot requested on a date, in UTC and in the site's time zone.
-- A scanner can request thousands of paths that no other visitor requests. So the 500 most
-- requested paths have rows of their own, and robots.txt always has. All other paths are one row,
-- whose page and path are null; so the sums over all rows are exact. Static assets
-- and health checks are not counted.
with

bot_hits as (
    select
        *,
        cast(with_timezone(hour_at, 'UTC') at time zone '{time_zone}' as date) as local_date
    from hits
    where is_bot and kind <> 'health_check'
),

of_paths as (
    select
        bot_class,
        bot_reason,
        browser as agent,
        page,
        path,
        local_date,
        event_date,
        count(*) as requests,
        coalesce(sum(bytes), 0) as bytes,
        count_if(kind in ('client_error', 'server_error')) as errors
    from bot_hits
    group by
        bot_class,
        bot_reason,
        browser,
        page,
        path,
        local_date,
        event_date
),

ranked as (
    select
        *,
        row_number() over (
            partition by bot_class, bot_reason, agent, local_date, event_date
            order by requests desc, path, page
        ) as place
    from of_paths
),

listed as (
    select
        *,
        place <= 500 or coalesce(path, '') = '/robots.txt' as is_listed
    from ranked
),

final as (
    select
        bot_class,
        bot_reason,
        agent,
        case when is_listed then page end as page,
        case when is_listed then path end as path,
        cast(sum(requests) as bigint) as requests,
        cast(sum(bytes) as bigint) as bytes,
        cast(sum(errors) as bigint) as errors,
        count(distinct case when not is_listed then page end) as other_pages,
        local_date,
        event_date
    from listed
    group by
        bot_class,
        bot_reason,
        agent,
        is_listed,
        case when is_listed then page end,
        case when is_listed then path end,
        local_date,
        event_date
)

select *
from final
