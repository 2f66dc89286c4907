-- One row is one place from which people came to one site on one UTC date. No place has fewer than
-- ten visitors on the date. A city with fewer is counted in the row 'other' of its country. If that
-- row has fewer, it is counted with those of other countries as 'few visitors'. If 'few visitors'
-- has fewer, the smallest place is added to it. Sessions count on the date on which they started.
with

visits as (
    select *
    from sessions
),

-- A visitor may be in several places. So until the last step, a place has one row for each visitor,
-- and the number of its rows is the number of its visitors.
visitors_of_cities as (
    select
        site,
        session_date,
        coalesce(country, 'unknown') as country,
        coalesce(region, 'other') as region,
        coalesce(city, 'other') as city,
        visitor_id,
        count(*) as sessions,
        sum(page_views) as page_views,
        count_if(is_bounce) as bounces,
        count_if(is_engaged) as engaged_sessions,
        count_if(conversions > 0) as converted_sessions
    from visits
    group by
        site,
        session_date,
        coalesce(country, 'unknown'),
        coalesce(region, 'other'),
        coalesce(city, 'other'),
        visitor_id
),

cities as (
    select
        *,
        count(*) over (partition by site, session_date, country, region, city) >= 10 as is_named
    from visitors_of_cities
),

visitors_of_countries as (
    select
        site,
        session_date,
        country,
        if(is_named, region, 'other') as region,
        if(is_named, city, 'other') as city,
        visitor_id,
        sum(sessions) as sessions,
        sum(page_views) as page_views,
        sum(bounces) as bounces,
        sum(engaged_sessions) as engaged_sessions,
        sum(converted_sessions) as converted_sessions
    from cities
    group by
        site,
        session_date,
        country,
        if(is_named, region, 'other'),
        if(is_named, city, 'other'),
        visitor_id
),

countries as (
    select
        *,
        count(*) over (partition by site, session_date, country, region, city) >= 10 as is_named
    from visitors_of_countries
),

visitors_of_places as (
    select
        site,
        session_date,
        if(is_named, country, 'few visitors') as country,
        if(is_named, region, 'other') as region,
        if(is_named, city, 'other') as city,
        visitor_id,
        sum(sessions) as sessions,
        sum(page_views) as page_views,
        sum(bounces) as bounces,
        sum(engaged_sessions) as engaged_sessions,
        sum(converted_sessions) as converted_sessions
    from countries
    group by
        site,
        session_date,
        if(is_named, country, 'few visitors'),
        if(is_named, region, 'other'),
        if(is_named, city, 'other'),
        visitor_id
),

places as (
    select
        *,
        count(*) over (partition by site, session_date, country, region, city) as visitors
    from visitors_of_places
),

-- If 'few visitors' is too small, it has rank 1, and the place with rank 2 is added to it.
ranked as (
    select
        *,
        dense_rank() over (
            partition by site, session_date
            order by visitors, country, region, city
        ) as size_rank,
        min(visitors) over (partition by site, session_date) as fewest
    from places
),

folded as (
    select
        *,
        country = 'few visitors' or (fewest < 10 and size_rank = 2) as is_folded
    from ranked
),

final as (
    select
        site,
        if(is_folded, 'few visitors', country) as country,
        if(is_folded, 'other', region) as region,
        if(is_folded, 'other', city) as city,
        sum(sessions) as sessions,
        count(distinct visitor_id) as visitors,
        sum(page_views) as page_views,
        cast(sum(bounces) as double) / sum(sessions) as bounce_rate,
        cast(sum(engaged_sessions) as double) / sum(sessions) as engagement_rate,
        sum(converted_sessions) as converted_sessions,
        session_date
    from folded
    group by
        site,
        if(is_folded, 'few visitors', country),
        if(is_folded, 'other', region),
        if(is_folded, 'other', city),
        session_date
)

select *
from final
