"""Bring shipped weights up to a new site's photos: `retrain` does all of it, the other modules one step each."""

from tenken_training.retraining.retrain import Request, Retrained, retrain

__all__ = ["Request", "Retrained", "retrain"]
