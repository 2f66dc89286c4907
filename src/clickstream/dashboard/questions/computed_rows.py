"""Rows that questions compute from those of a fact view: pairs of items, and current demographics.

`{where}` chooses the rows of the fact view. The SQL runs unchanged on Athena and on DuckDB.
"""

from __future__ import annotations

PAIR_MINIMUM = 10
"""A pair of items in fewer orders is not shown: its lift would be chance."""

ITEM_PAIRS = f"""(
  with lines as (
    select distinct sales_source || ' ' || order_id as ordered, name
    from item_facts
    where {{where}}
  ),
  of_item as (select name, count(*) as orders from lines group by name),
  of_all as (select count(distinct ordered) as orders from lines),
  pairs as (
    select one.name, other.name as other_name, count(*) as orders
    from lines one
    join lines other on one.ordered = other.ordered and one.name < other.name
    group by one.name, other.name
    having count(*) >= {PAIR_MINIMUM}
  )
  select
    pairs.name,
    pairs.other_name,
    pairs.orders,
    cast(pairs.orders as double) * of_all.orders / (of_one.orders * of_other.orders) as lift
  from pairs
  join of_item of_one on pairs.name = of_one.name
  join of_item of_other on pairs.other_name = of_other.name
  cross join of_all
) as item_pairs"""  # noqa: S608  no value comes from a reader
"""One row is a pair of items in at least ten orders. Names are compared, as the shop sold them."""

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
