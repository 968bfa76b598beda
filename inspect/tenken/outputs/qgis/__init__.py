"""Everything that QGIS needs to show and review a result: styles, forms, relations and a ready project."""

from tenken.outputs.qgis.project import write_project
from tenken.outputs.qgis.style import layer_qml

__all__ = ["layer_qml", "write_project"]
