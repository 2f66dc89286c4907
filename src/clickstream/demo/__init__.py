"""The demo on one machine: the local stack and a simulated café that writes access logs."""
