"""Small inputs of odd kinds, made from nothing."""
