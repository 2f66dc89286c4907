"""What a lake costs as it ages: build N simulated days, then measure what must not grow with N.

python -m benchmarks.age --days 60
python -m benchmarks.age --days 365 --keep /tmp/age --json after.json
"""
