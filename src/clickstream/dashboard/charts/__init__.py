"""Charts as SVG geometry: pure functions from numbers to coordinates."""
