"""What the counts mean for decisions: pure functions, without disk, network, clock or chance."""
