-- The scalar functions and operators of Trino that the local Athena has, as macros of DuckDB. The
-- name of a function without the prefix trino_ is its entry in the allow-list of `calls`; names
-- in brackets below are of operators and casts. The types of the parameters are a part of the list:
-- DuckDB refuses a call with other types, and an overload for decimals fails where Trino's scale or
-- rounding differs.
--
-- A timestamp with time zone is a struct of the moment and the zone in which Trino shows it.

-- Checks of types. They are only bound, never run: values of comparable types have one kind.
create macro trino_kind
    (a boolean) as interval 1 day, (a integer) as 1, (a bigint) as 1, (a double) as 1,
    (a decimal(38, 18)) as 1, (a varchar) as 'x'::varchar, (a date) as date '2000-01-01',
    (a timestamp) as date '2000-01-01';
create macro trino_decimal_kind
    (a decimal(38, 18)) as 1, (a boolean) as null, (a integer) as null, (a bigint) as null, (a double) as null,
    (a varchar) as null, (a date) as null, (a timestamp) as null,
    (a struct(moment timestamptz, zone varchar)) as null;
create macro trino_bool(a boolean) as a;
create macro trino_summand
    (a integer) as a, (a bigint) as a, (a double) as a,
    (a decimal(38, 18)) as error('NOT_SUPPORTED: The local Athena has no sum or average of decimals; AWS has. Cast them to double.')::double;

create macro trino_sum(a hugeint) as a::bigint, (a bigint) as a, (a double) as a;

-- Operators.
create macro trino_divide
    (a integer, b integer) as case when b = 0 then error('DIVISION_BY_ZERO: Division by zero') else a // b end,
    (a bigint, b bigint) as case when b = 0 then error('DIVISION_BY_ZERO: Division by zero') else a // b end,
    (a decimal(38, 18), b decimal(38, 18)) as error('NOT_SUPPORTED: The local Athena has no division of decimals; AWS has. Cast them to double.')::double,
    (a double, b double) as a / b;
create macro trino_mod
    (a integer, b integer) as case when b = 0 then error('DIVISION_BY_ZERO: Division by zero') else a % b end,
    (a bigint, b bigint) as case when b = 0 then error('DIVISION_BY_ZERO: Division by zero') else a % b end,
    (a decimal(38, 18), b decimal(38, 18)) as error('NOT_SUPPORTED: The local Athena has no remainder of decimals; AWS has.')::double,
    (a double, b double) as error('NOT_SUPPORTED: The local Athena has no remainder of doubles; AWS has.')::double;
create macro trino_whole(a integer) as a, (a bigint) as a;
create macro trino_concat(a varchar, b varchar) as a || b;
create macro trino_shift
    (a date, i interval) as case when epoch_us(i) % 86400000000 <> 0
        then error('INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date') else (a + i)::date end,
    (a timestamp, i interval) as a + i;
create macro trino_subscript(a, i) as case
    when i < 1 or i > len(a) then error('INVALID_FUNCTION_ARGUMENT: Array subscript must be between 1 and the size of the array')
    else a[i] end;
create macro trino_map_value(a, k) as case when a is not null and not list_contains(map_keys(a), k)
    then error('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || k) else a[k] end;
create macro trino_at_timezone(a struct(moment timestamptz, zone varchar), z varchar) as case when a is not null then {'moment': a.moment, 'zone': z} end;
create macro trino_with_timezone(a timestamp, z varchar) as case when a is not null then {'moment': timezone(z, a), 'zone': z} end;

-- Casts.
create macro trino_as_varchar
    (a varchar) as a, (a boolean) as a::varchar, (a integer) as a::varchar, (a bigint) as a::varchar, (a date) as a::varchar,
    (a decimal(38, 18)) as error('NOT_SUPPORTED: The local Athena has no text of decimals; AWS has.')::varchar,
    (a double) as error('NOT_SUPPORTED: The local Athena has no text of doubles; AWS has.')::varchar;
create macro trino_as_boolean
    (a boolean) as a, (a integer) as a <> 0, (a bigint) as a <> 0,
    (a varchar) as case when lower(a) in ('t', 'true', '1') then true when lower(a) in ('f', 'false', '0') then false
        when a is not null then error('INVALID_CAST_ARGUMENT: Cannot cast ''' || a || ''' to boolean') end;
create macro trino_as_integer
    (a integer) as a, (a boolean) as a::integer, (a bigint) as a::integer, (a double) as round(a)::integer,
    (a decimal(38, 18)) as a::integer,
    (a varchar) as case when regexp_full_match(trim(a), '[+-]?[0-9]+') then trim(a)::integer
        when a is not null then error('INVALID_CAST_ARGUMENT: Cannot cast ''' || a || ''' to INT') end;
create macro trino_as_bigint
    (a bigint) as a, (a boolean) as a::bigint, (a integer) as a::bigint, (a double) as round(a)::bigint,
    (a decimal(38, 18)) as a::bigint,
    (a varchar) as case when regexp_full_match(trim(a), '[+-]?[0-9]+') then trim(a)::bigint
        when a is not null then error('INVALID_CAST_ARGUMENT: Cannot cast ''' || a || ''' to BIGINT') end;
create macro trino_as_double
    (a double) as a, (a boolean) as a::double, (a integer) as a::double, (a bigint) as a::double, (a decimal(38, 18)) as a::double,
    (a varchar) as case when regexp_full_match(trim(a), '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?') then trim(a)::double
        when a is not null then error('INVALID_CAST_ARGUMENT: Cannot cast ''' || a || ''' to DOUBLE') end;
create macro trino_as_decimal
    (a integer) as a, (a bigint) as a, (a decimal(38, 18)) as a,
    (a double) as error('NOT_SUPPORTED: The local Athena has no cast of doubles to decimals; AWS has.')::double;
create macro trino_as_date
    (a date) as a, (a timestamp) as a::date,
    (a struct(moment timestamptz, zone varchar)) as timezone(a.zone, a.moment)::date,
    (a varchar) as case when regexp_full_match(trim(a), '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') then trim(a)::date
        when a is not null then error('INVALID_CAST_ARGUMENT: Value cannot be cast to date: ' || a) end;
create macro trino_rounded(a, step) as case when step = 1 then a
    else make_timestamp(epoch_us(a) + step // 2 - ((epoch_us(a) + step // 2) % step + step) % step) end;
create macro trino_as_timestamp
    (a date, step bigint) as a::timestamp,
    (a timestamp, step bigint) as trino_rounded(a, step),
    (a struct(moment timestamptz, zone varchar), step bigint) as trino_rounded(timezone(a.zone, a.moment), step),
    (a varchar, step bigint) as case
        when regexp_full_match(a, '[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?') then trino_rounded(a::timestamp, step)
        when a is not null then error('NOT_SUPPORTED: The local Athena has no cast of ' || a || ' to a timestamp; AWS may have') end;
create macro trino_try_as_integer
    (a varchar) as case when regexp_full_match(trim(a), '[+-]?[0-9]+') then try_cast(trim(a) as integer) end,
    (a bigint) as try_cast(a as integer), (a double) as try_cast(round(a) as integer);
create macro trino_try_as_bigint
    (a varchar) as case when regexp_full_match(trim(a), '[+-]?[0-9]+') then try_cast(trim(a) as bigint) end,
    (a bigint) as a, (a double) as try_cast(round(a) as bigint);
create macro trino_try_as_double
    (a varchar) as case
        when regexp_full_match(trim(a), '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?') then trim(a)::double
        when regexp_matches(a, '[dDfFNI]') then error('NOT_SUPPORTED: The local Athena has no cast of ''' || a || ''' to double; AWS may have') end,
    (a double) as a;
create macro trino_try_as_date
    (a varchar) as case when regexp_full_match(trim(a), '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') then try_cast(trim(a) as date) end,
    (a date) as a, (a timestamp) as a::date;

-- Numbers.
create macro trino_abs
    (a integer) as abs(a), (a bigint) as abs(a), (a double) as abs(a),
    (a decimal(38, 18)) as error('NOT_SUPPORTED: The local Athena has no abs of decimals; AWS has.')::double;
create macro trino_round
    (a integer) as a, (a bigint) as a, (a double) as round(a),
    (a decimal(38, 18)) as error('NOT_SUPPORTED: The local Athena has no round of decimals; AWS has. Cast them to double.')::double,
    (a double, n integer) as case when abs(a) * pow(10, n) < 9007199254740992 then round(a * pow(10, n)) / pow(10, n) else a end,
    (a decimal(38, 18), n integer) as error('NOT_SUPPORTED: The local Athena has no round of decimals; AWS has. Cast them to double.')::double,
    (a bigint, n integer) as error('NOT_SUPPORTED: The local Athena has no round of integers to digits; AWS has.')::bigint;
create macro trino_floor
    (a integer) as a, (a bigint) as a, (a double) as floor(a),
    (a decimal(38, 18)) as error('NOT_SUPPORTED: The local Athena has no floor of decimals; AWS has.')::double;
create macro trino_ceil
    (a integer) as a, (a bigint) as a, (a double) as ceil(a),
    (a decimal(38, 18)) as error('NOT_SUPPORTED: The local Athena has no ceil of decimals; AWS has.')::double;
create macro trino_sqrt(a double) as case when a < 0 then error('NOT_SUPPORTED: The local Athena has no NaN; AWS has.') else sqrt(a) end;
create macro trino_exp(a double) as exp(a);
create macro trino_ln(a double) as case when a <= 0 then error('NOT_SUPPORTED: The local Athena has no ln of 0 or less; AWS has.') else ln(a) end;
create macro trino_log10(a double) as case when a <= 0 then error('NOT_SUPPORTED: The local Athena has no log10 of 0 or less; AWS has.') else log10(a) end;
create macro trino_power(a double, b double) as pow(a, b);

-- Texts.
create macro trino_whitespace() as chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(28) || chr(29) || chr(30) || chr(31) || chr(32) || chr(5760) || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8200) || chr(8201) || chr(8202) || chr(8232) || chr(8233) || chr(8287) || chr(12288);
create macro trino_length(a varchar) as length(a);
create macro trino_lower(a varchar) as lower(a);
create macro trino_upper(a varchar) as case when contains(a, 'ß') then error('NOT_SUPPORTED: The local Athena has no upper of ß; AWS has.') else upper(a) end;
create macro trino_trim(a varchar) as trim(a, trino_whitespace());
create macro trino_ltrim(a varchar) as ltrim(a, trino_whitespace());
create macro trino_rtrim(a varchar) as rtrim(a, trino_whitespace());
create macro trino_lpad(a varchar, n bigint, p varchar) as lpad(a, n::integer, p);
create macro trino_rpad(a varchar, n bigint, p varchar) as rpad(a, n::integer, p);
create macro trino_strpos(a varchar, b varchar) as strpos(a, b);
create macro trino_starts_with(a varchar, b varchar) as starts_with(a, b);
create macro trino_replace
    (a varchar, b varchar, c varchar) as case when b = '' then error('NOT_SUPPORTED: The local Athena has no replace of an empty text; AWS has.') else replace(a, b, c) end,
    (a varchar, b varchar) as case when b = '' then error('NOT_SUPPORTED: The local Athena has no replace of an empty text; AWS has.') else replace(a, b, '') end;
create macro trino_substr
    (a varchar, s bigint) as case when a is null or s is null then null when s = 0 then '' when s > 0 then substr(a, s)
        when length(a) + s < 0 then '' else substr(a, length(a) + s + 1) end,
    (a varchar, s bigint, n bigint) as case when a is null or s is null or n is null then null when s = 0 or n <= 0 then ''
        when s > 0 then substr(a, s, n) when length(a) + s < 0 then '' else substr(a, length(a) + s + 1, n) end;
create macro trino_split_part(a varchar, d varchar, i bigint) as case
    when d = '' then error('NOT_SUPPORTED: The local Athena has no split_part by an empty text; AWS has.')
    when i <= 0 then error('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') else string_split(a, d)[i] end;
create macro trino_split(a varchar, d varchar) as case
    when d = '' then error('INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string') else string_split(a, d) end;
create macro trino_regexp_like(a varchar, p varchar) as regexp_matches(a, p);

-- Dates and times.
create macro trino_year(a date) as year(a), (a timestamp) as year(a), (a struct(moment timestamptz, zone varchar)) as year(timezone(a.zone, a.moment));
create macro trino_quarter(a date) as quarter(a), (a timestamp) as quarter(a), (a struct(moment timestamptz, zone varchar)) as quarter(timezone(a.zone, a.moment));
create macro trino_month(a date) as month(a), (a timestamp) as month(a), (a struct(moment timestamptz, zone varchar)) as month(timezone(a.zone, a.moment));
create macro trino_week(a date) as week(a), (a timestamp) as week(a), (a struct(moment timestamptz, zone varchar)) as week(timezone(a.zone, a.moment));
create macro trino_day(a date) as day(a), (a timestamp) as day(a), (a struct(moment timestamptz, zone varchar)) as day(timezone(a.zone, a.moment));
create macro trino_day_of_week(a date) as isodow(a), (a timestamp) as isodow(a), (a struct(moment timestamptz, zone varchar)) as isodow(timezone(a.zone, a.moment));
create macro trino_day_of_year(a date) as dayofyear(a), (a timestamp) as dayofyear(a), (a struct(moment timestamptz, zone varchar)) as dayofyear(timezone(a.zone, a.moment));
create macro trino_hour(a timestamp) as hour(a), (a struct(moment timestamptz, zone varchar)) as hour(timezone(a.zone, a.moment));
create macro trino_minute(a timestamp) as minute(a), (a struct(moment timestamptz, zone varchar)) as minute(timezone(a.zone, a.moment));
create macro trino_second(a timestamp) as second(a), (a struct(moment timestamptz, zone varchar)) as second(timezone(a.zone, a.moment));
create macro trino_local_time
    (a date) as a::timestamp, (a timestamp) as a, (a struct(moment timestamptz, zone varchar)) as timezone(a.zone, a.moment);
create macro trino_date_trunc
    (unit varchar, a date) as case when unit in ('millisecond', 'second', 'minute', 'hour')
        then error('INVALID_FUNCTION_ARGUMENT: ''' || unit || ''' is not a valid DATE field') else date_trunc(unit, a)::date end,
    (unit varchar, a timestamp) as date_trunc(unit, a);
create macro trino_date_diff
    (unit varchar, a date, b date) as case when unit in ('millisecond', 'second', 'minute', 'hour')
        then error('INVALID_FUNCTION_ARGUMENT: ''' || unit || ''' is not a valid DATE field') else date_sub(unit, a, b) end,
    (unit varchar, a timestamp, b timestamp) as date_sub(unit, a, b);
create macro trino_last_day_of_month(a date) as last_day(a), (a timestamp) as last_day(a);
create macro trino_to_unixtime(a timestamp) as epoch(a);
create macro trino_local_now() as date_trunc('millisecond', timezone('UTC', now()));
create macro trino_now() as {'moment': date_trunc('millisecond', now()), 'zone': 'UTC'};

-- Arrays and maps.
create macro trino_cardinality(a) as cardinality(a)::bigint;
create macro trino_element_at(a, i) as case when i::varchar = '0' and not starts_with(typeof(a), 'MAP')
    then error('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') else a[i] end;
create macro trino_contains(a, x) as case when a is null or x is null then null when list_contains(a, x) then true
    when len(list_filter(a, lambda e: e is null)) > 0 then null else false end;
create macro trino_map(k, v) as map(k, v);
create macro trino_map_keys(a) as map_keys(a);
create macro trino_map_values(a) as map_values(a);
create macro trino_sequence(a bigint, b bigint) as case
    when abs(b - a) >= 10000 then error('INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries')
    when a <= b then generate_series(a, b) else generate_series(a, b, -1) end;
