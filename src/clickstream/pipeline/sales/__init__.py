"""Sales of a shop: read them at their source, date after date."""
