"""What the pages can ask of the facts: metrics, dimensions, views, and the answers to questions."""
