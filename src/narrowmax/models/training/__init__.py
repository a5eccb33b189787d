"""Training with number formats in the loop, in an unmodified PyTorch network and training loop."""
