-- One row is one place that people came from, on one site and UTC date. A place with fewer than ten
-- visitors on the date is counted with its country; a country with fewer, with all such countries.
-- Sessions count on the date they started.
with

visits as (
    select *
    from sessions
),

cities as (
    select
        site,
        country,
        region,
        city,
        session_date,
        count(distinct visitor_id) as visitors
    from visits
    group by
        site,
        country,
        region,
        city,
        session_date
),

countries as (
    select
        site,
        country,
        session_date,
        count(distinct visitor_id) as visitors
    from visits
    group by
        site,
        country,
        session_date
),

folded as (
    select
        visits.site,
        if(countries.visitors >= 10, visits.country, 'few visitors') as country,
        if(cities.visitors >= 10, visits.region) as region,
        if(cities.visitors >= 10, visits.city) as city,
        visits.session_id,
        visits.visitor_id,
        visits.page_views,
        visits.is_bounce,
        visits.is_engaged,
        visits.conversions,
        visits.session_date
    from visits
    inner join cities
        on
            visits.site = cities.site
            and visits.session_date = cities.session_date
            and visits.country is not distinct from cities.country
            and visits.region is not distinct from cities.region
            and visits.city is not distinct from cities.city
    inner join countries
        on
            visits.site = countries.site
            and visits.session_date = countries.session_date
            and visits.country is not distinct from countries.country
),

final as (
    select
        site,
        coalesce(country, 'unknown') as country,
        coalesce(region, 'other') as region,
        coalesce(city, 'other') as city,
        count(*) as sessions,
        count(distinct visitor_id) as visitors,
        sum(page_views) as page_views,
        cast(count_if(is_bounce) as double) / count(*) as bounce_rate,
        cast(count_if(is_engaged) as double) / count(*) as engagement_rate,
        count_if(conversions > 0) as converted_sessions,
        session_date
    from folded
    group by
        site,
        coalesce(country, 'unknown'),
        coalesce(region, 'other'),
        coalesce(city, 'other'),
        session_date
)

select *
from final
