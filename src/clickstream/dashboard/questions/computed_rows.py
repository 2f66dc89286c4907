"""Rows that questions compute from those of a fact view: pairs of items, and current demographics.

`{where}` chooses the rows of the fact view. The SQL runs unchanged on Athena and on DuckDB.
"""

from __future__ import annotations

LEAST_LIFT = 1.2
"""Minimum lift of a pair that is shown: the number to expect is an approximation."""

STANDARD_ERRORS = 4
"""Minimum difference to chance in standard errors, because many pairs are compared."""

ITEM_PAIRS = f"""(
  with lines as (
    select distinct sales_source || ' ' || order_id as ordered, name
    from item_facts
    where {{where}}
  ),
  sizes as (select ordered, count(*) as items from lines group by ordered),
  ends as (
    select lines.name, cast(sum(sizes.items - 1) as double) as number
    from lines
    join sizes on lines.ordered = sizes.ordered
    where sizes.items > 1
    group by lines.name
  ),
  of_all as (select sum(number) as number from ends),
  weights as (
    select ends.name, ends.number / (of_all.number - ends.number) as weight
    from ends
    cross join of_all
  ),
  squares as (select sum(weight) * sum(weight) - sum(weight * weight) as number from weights),
  pairs as (
    select one.name, other.name as other_name, count(*) as orders
    from lines one
    join lines other on one.ordered = other.ordered and one.name < other.name
    group by one.name, other.name
  ),
  compared as (
    select
      pairs.*,
      of_all.number * of_one.weight * of_other.weight / squares.number as expected
    from pairs
    join weights of_one on pairs.name = of_one.name
    join weights of_other on pairs.other_name = of_other.name
    cross join of_all
    cross join squares
  )
  select name, other_name, orders, orders / expected as lift
  from compared
  where
    orders >= {LEAST_LIFT} * expected
    and orders - expected > {STANDARD_ERRORS} * sqrt(cast(orders as double))
) as item_pairs"""  # noqa: S608  no value comes from a reader
"""One row is a pair of items that is in more orders than by chance, so in at least 17.

By chance, the pairs of all orders would be spread over the items by how many pairs each item is in:
its weight is the odds of it. An item without a pair is in orders of one item only, which say
nothing about pairs. Names are compared, as the shop sold them.
"""

CURRENT_DEMOGRAPHICS = """(
  with versions as (
    select
      *,
      row_number() over (
        partition by sales_source, place_id, year, measure order by event_date desc
      ) as version
    from demographic_facts
    where {where}
  ),
  stored as (
    select *, max(year) over (partition by sales_source, place_id, measure) as newest_year
    from versions
    where version = 1 and not is_removed
  )
  select * from stored where year = newest_year
) as current_demographics"""
"""One row is the current value of a measure of a place, of the newest year that is stored."""
