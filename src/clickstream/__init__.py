"""AnyCompany Café's clickstream: raw web-server access logs in, answers out, every hour."""

import os

__version__ = "0.1.0"

# Arrow takes its memory where numpy takes it, from the C library: its own allocator keeps a sixth
# more for the same work. It looks here once, when it is first used (docs/decisions/0029).
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
