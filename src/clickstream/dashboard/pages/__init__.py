"""The tabs of the dashboard: one package each, with its panels, values and template."""
