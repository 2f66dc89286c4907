"""Entries that accounts write on the dashboard: notes on the main chart, and saved views.

Each kind is a JSON file in the dashboard's directory, which several processes share.
"""
