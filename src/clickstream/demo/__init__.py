"""What makes one laptop enough: the stack of local processes and a simulated café."""
