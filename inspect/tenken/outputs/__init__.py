"""What a run leaves for people: map layers, tables, pictures and the report."""

from tenken.outputs.crops import write_crops
from tenken.outputs.geojson import write_geojson
from tenken.outputs.geopackage import write_layers
from tenken.outputs.qgis import write_project
from tenken.outputs.report import write_report
from tenken.outputs.reviews import Review, carry_reviews, read_reviews
from tenken.outputs.segments_csv import write_segments_csv

__all__ = [
    "Review",
    "carry_reviews",
    "read_reviews",
    "write_crops",
    "write_geojson",
    "write_layers",
    "write_project",
    "write_report",
    "write_segments_csv",
]
