"""JSON lines: lines of one shape are read together, all others one by one."""
