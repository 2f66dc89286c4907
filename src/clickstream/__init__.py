"""AnyCompany Café's clickstream: raw web-server access logs in, answers out, every hour."""

__version__ = "0.1.0"
