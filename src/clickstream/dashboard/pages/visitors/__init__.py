"""The Visitors tab: what people do on the site."""
