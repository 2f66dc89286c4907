"""Statistics of the facts: pure functions over arrays, without disk, network, clock or chance."""
