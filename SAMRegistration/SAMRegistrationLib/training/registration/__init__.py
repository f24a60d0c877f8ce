"""Training and evaluation of the registration network: data lists, synthetic pairs, the trainer, the tables."""
