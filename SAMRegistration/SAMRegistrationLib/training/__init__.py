"""Training and evaluation: data lists, synthetic pairs, the trainer, the tables."""
