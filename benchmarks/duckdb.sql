create temp table split as
select
    line_number,
    make_timestamp(epoch_us(strptime(time, '%d/%b/%Y:%H:%M:%S %z'))) as hit_at,
    left(sha256('{key}' || client || chr(0) || user_agent), 24) as visitor_id,
    regexp_extract(request, '^([^ ]+) (.+) HTTP/[0-9.]+$', ['method', 'target']) as request,
    status::smallint as status,
    try_cast(bytes as bigint) as bytes,
    nullif(regexp_extract(referrer, '^[a-z]+://([^/:?#]+)', 1), '') as host,
    is_bot,
from parsed
join agents using (user_agent);

create temp table cleaned as
select
    * exclude (request, host),
    request.method as method,
    regexp_extract(request.target, '^[^?#]*') as path,
    case when not regexp_matches(host, '(^|\.){domain}$') then host end as referrer_domain,
    url_decode(nullif(regexp_extract(request.target, '[?&]utm_source=([^&#]*)', 1), ''))
        as utm_source,
    url_decode(nullif(regexp_extract(request.target, '[?&]utm_medium=([^&#]*)', 1), ''))
        as utm_medium,
    url_decode(nullif(regexp_extract(request.target, '[?&]utm_campaign=([^&#]*)', 1), ''))
        as utm_campaign,
    case
        when regexp_matches(path, '(?i)\.(?:{assets})$') then 'asset'
        when status // 100 = 3 and status <> 304 then 'redirect'
        when status // 100 = 4 then 'client_error'
        when status // 100 = 5 then 'server_error'
        when method = 'GET' and status in (200, 304) then 'page'
        else 'other'
    end as kind,
from split;

create temp table requests as
with gaps as (
    select
        *,
        coalesce(hit_at - lag(hit_at) over visitor > interval 30 minutes, true) as opens,
    from cleaned
    window visitor as (partition by visitor_id order by hit_at, line_number)
)

select
    * exclude (opens),
    sum(opens::int) over (order by visitor_id, hit_at, line_number rows unbounded preceding)
        as part_id,
from gaps;

copy (
    select * from requests where kind <> 'asset' order by visitor_id, hit_at, line_number
) to '{out}/hits.parquet' (compression zstd);

copy (
    select
        visitor_id,
        part_id,
        min(hit_at) as first_hit_at,
        max(hit_at) as last_hit_at,
        count(*) as requests,
        count_if(kind = 'page') as page_views,
        count_if(kind = 'asset') as assets,
        count_if(kind in ('client_error', 'server_error')) as errors,
        min(hit_at) filter (where kind = 'page') as first_page_at,
        max(hit_at) filter (where kind = 'page') as last_page_at,
        arg_min(path, line_number) filter (where kind = 'page') as landing_page,
        arg_max(path, line_number) filter (where kind = 'page') as exit_page,
        bool_or(is_bot) as is_bot,
        arg_min(
            {'domain': referrer_domain, 's': utm_source, 'm': utm_medium, 'c': utm_campaign},
            line_number
        ) filter (where coalesce(utm_source, referrer_domain) is not null) as source,
    from requests
    group by visitor_id, part_id
    order by visitor_id, first_hit_at
) to '{out}/session_parts.parquet' (compression zstd);
