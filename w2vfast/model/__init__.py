"""Vectors and what is done with them: the model file, queries, finding the model that is meant."""
