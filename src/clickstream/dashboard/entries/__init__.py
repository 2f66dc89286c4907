"""Entries that accounts write on the dashboard: notes on the main chart.

Each kind is a JSON file in the dashboard's directory, which several processes share.
"""
