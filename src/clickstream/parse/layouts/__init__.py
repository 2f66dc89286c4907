"""Layouts: formats that an Apache or nginx format string describes."""
