"""The Overview tab: how the café is doing."""
