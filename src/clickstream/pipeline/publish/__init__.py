"""Publication of built hours, and what follows it: views, facts, maintenance and retention."""
