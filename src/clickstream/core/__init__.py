"""What all other packages may import: errors, hours, texts, and values without any I/O."""
