"""What accounts write on the dashboard: notes on the main chart, and saved views.

Each kind is a JSON file in the directory of the accounts, which several processes share.
"""
