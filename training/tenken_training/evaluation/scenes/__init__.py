"""Rendered surfaces with known defects, of another make than those that detectors are trained on.

A stand-in for structures that nobody has labelled: concrete with hairline cracks between board marks, and painted
steel with rust, at the ground resolutions of near and far drones. They are for judging only: training on them would
make them worthless.
"""

from tenken_training.evaluation.scenes.camera import Scene
from tenken_training.evaluation.scenes.concrete import concrete_scene
from tenken_training.evaluation.scenes.steel import steel_scene

__all__ = ["Scene", "concrete_scene", "steel_scene"]
