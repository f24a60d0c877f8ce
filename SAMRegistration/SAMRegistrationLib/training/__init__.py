"""Training: what the trainings of the registration network and of the click model share."""
