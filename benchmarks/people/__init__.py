"""How well the pipeline counts people in logs that machines are mixed into."""
