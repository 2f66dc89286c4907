"""The hosts of the settings' sources: list, open and check them, and trust their keys.

Their states say what pulls observed, and `missing` which hosts a published hour lacks.
"""
