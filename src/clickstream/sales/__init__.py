"""Sales of a shop: from the rows of its database or its files to the tables of sales.

Everything here is pure: rows in, tables and rejects out. `collect.sales` reads the rows.
"""
