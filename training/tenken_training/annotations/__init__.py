"""Annotations of people, whatever program they were drawn in, as one checked data set."""
