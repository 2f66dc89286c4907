"""The Machines tab: who reads the site that is not a person."""
