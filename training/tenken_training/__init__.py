"""Retraining of the detectors on local annotations."""
