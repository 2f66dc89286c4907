-- What the lines of all logs come to, worked out once over the whole, in plain SQL. It shares nothing
-- with what it judges: the rules are those of docs/cleaning.md, docs/bots.md and the README.
-- `lines` has host, number (the line's place in its host's log) and line.
create or replace temp table requests as
with

fields as (
    select
        *,
        regexp_extract(
            line,
            '^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) HTTP/1.1" (\d+) (\d+) "[^"]*" "([^"]*)"$',
            ['address', 'stamp', 'method', 'path', 'status', 'size', 'agent']
        ) as field
    from lines
)

select
    host,
    number,
    line,
    field.address || ' ' || field.agent as visitor,
    timezone('UTC', try_strptime(field.stamp, '%d/%b/%Y:%H:%M:%S %z')) as hit_at,
    try_cast(field.size as bigint) as size,
    field.path,
    field.agent like '%Googlebot%' as is_named_bot,
    case
        when field.path = '/health' and field.status not like '4%' then 'health_check'
        when field.path = '/robots.txt' then 'other'
        when field.path like '%.css' then 'asset'
        when field.status = '301' then 'redirect'
        when field.status like '4%' then 'client_error'
        when field.status like '5%' then 'server_error'
        when field.path like '/api/%' then 'api'
        when field.path like '%.pdf' and field.method = 'GET' then 'download'
        when field.method = 'GET' and field.status in ('200', '304') then 'page'
        else 'other'
    end as kind
from fields;

-- A line without a time of its own belongs to the hour of the one before it.
create or replace temp table counted as
select
    *,
    date_trunc('hour', last_value(hit_at ignore nulls) over log_so_far) as hour_at
from requests
window log_so_far as (partition by host order by number);

-- Within an hour, who asks for robots.txt first and takes no asset is a bot.
create or replace temp table judged as
select
    *,
    is_named_bot
    or (
        bool_or(path = '/robots.txt' and hit_at = first_at) over this_hour
        and not bool_or(kind = 'asset') over this_hour
    ) as is_bot
from (
    select
        *,
        min(hit_at) over (partition by visitor, hour_at) as first_at
    from counted
    where hit_at is not null
)
window this_hour as (partition by visitor, hour_at);

-- A silence of more than the gap ends a run of requests ...
create or replace temp table runs as
select
    *,
    count_if(coalesce(hit_at - previous_hit_at > to_seconds(getvariable('gap')), true))
        over visitor_so_far as run
from (
    select
        *,
        lag(hit_at) over (partition by visitor order by hit_at, host, number) as previous_hit_at
    from judged
)
window visitor_so_far as (partition by visitor order by hit_at, host, number);

-- ... and so does the first midnight, in UTC, at which the session has lasted as long as the cap.
create or replace temp table starts as
with recursive

starts as (
    select
        visitor,
        run,
        min(hit_at) as started_at
    from runs
    group by
        visitor,
        run
    union all
    select
        starts.visitor,
        starts.run,
        min(runs.hit_at) as started_at
    from starts
    inner join runs
        on
            starts.visitor = runs.visitor
            and starts.run = runs.run
            and date_trunc('day', runs.hit_at) - starts.started_at
            >= to_hours(getvariable('cap'))
    group by
        starts.visitor,
        starts.run,
        starts.started_at
)

select *
from starts;

create or replace temp table visits as
select
    runs.*,
    starts.started_at,
    last_value(runs.hit_at) over whole as ended_at,
    count(*) over whole as requests,
    count_if(runs.kind = 'page') over whole as page_views,
    count_if(runs.kind in ('client_error', 'server_error')) over whole as errors,
    bool_or(runs.is_bot) over whole as is_bot_session,
    first_value(case when runs.kind = 'page' then runs.path end ignore nulls) over whole
        as landing_page,
    last_value(case when runs.kind = 'page' then runs.path end ignore nulls) over whole
        as exit_page
from runs
asof inner join starts
    on
        runs.visitor = starts.visitor
        and runs.run = starts.run
        and runs.hit_at >= starts.started_at
window whole as (
    partition by runs.visitor, starts.started_at
    order by runs.hit_at, runs.host, runs.number
    rows between unbounded preceding and unbounded following
);
