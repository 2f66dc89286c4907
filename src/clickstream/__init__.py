"""AnyCompany Café's clickstream: turn raw web-server access logs into answers, every hour."""

__version__ = "0.1.0"
