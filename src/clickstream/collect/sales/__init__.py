"""Sources of sales: the databases and files of a shop, read by UTC date."""
