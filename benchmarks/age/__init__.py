"""Costs of a lake as it ages: builds N simulated days, then measures what must not grow with N.

python -m benchmarks.age --days 60
python -m benchmarks.age --days 365 --keep /tmp/age --json after.json
"""
