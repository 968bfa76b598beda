"""Runs inside QGIS's own Python: opens packages and projects, and prints what QGIS made of them as JSON.

``python3 qgis_facts.py FOLDER [FOLDER …]``: each holds ``inspection.gpkg`` and ``inspection.qgz``; pictures of map and
form go there. Started once for all tests, as QGIS takes seconds to start.
"""

import faulthandler
import json
import os
import sys
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsProviderRegistry,
    QgsVectorLayer,
    QgsVectorLayerTools,
)
from qgis.gui import (
    QgsAdvancedDigitizingDockWidget,
    QgsAttributeEditorContext,
    QgsAttributeForm,
    QgsGui,
    QgsMapCanvas,
    QgsMessageBar,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QTabWidget

LAYERS = ("crack_lines", "defects", "sightings", "segments", "coverage", "photos", "segment_photos", "run")


class WindowTools(QgsVectorLayerTools):  # type: ignore[misc]
    """What the application's window does for forms: nothing here, but a form with related rows asks for it."""


def layer_facts(layer: Any) -> dict[str, Any]:
    """Tell how QGIS would show, label and edit a layer."""
    renderer, form = layer.renderer(), layer.editFormConfig()
    fields = {field.name(): index for index, field in enumerate(layer.fields())}
    return {
        "name": layer.name(),
        "valid": layer.isValid(),
        "features": layer.featureCount(),
        "crs": layer.crs().authid(),
        "source": layer.source(),
        "renderer": renderer.type() if renderer else None,
        "legend": [category.label() for category in renderer.categories()] if renderer else [],
        "labels": bool(layer.labelsEnabled()),
        "from_scale": layer.minimumScale() if layer.hasScaleBasedVisibility() else None,
        "read_only": layer.readOnly(),
        "tabs": [tab.name() for tab in form.tabs()],
        "in_form": sorted(element_names(form.invisibleRootContainer())),
        "aliases": {name: layer.attributeAlias(index) for name, index in fields.items()},
        "editors": {name: layer.editorWidgetSetup(index).type() for name, index in fields.items()},
        "editable": sorted(name for name, index in fields.items() if not form.readOnly(index)),
        "values": {name: values_of(layer.editorWidgetSetup(index)) for name, index in fields.items()},
    }


def element_names(container: Any) -> list[str]:
    names: list[str] = []
    for child in container.children():
        names += element_names(child) if hasattr(child, "children") else [child.name()]
    return names


def values_of(setup: Any) -> list[str]:
    return [next(iter(pair)) for pair in setup.config().get("map", [])] if setup.type() == "ValueMap" else []


def context_of(layer: Any, feature: Any) -> Any:
    context = layer.createExpressionContext()
    context.setFeature(feature)
    return context


def evaluated(expression: str, context: Any) -> Any:
    parsed = QgsExpression(expression)
    value = parsed.evaluate(context)
    return {"error": parsed.evalErrorString()} if parsed.hasEvalError() else value


def feature_facts(layer: Any) -> list[dict[str, Any]]:
    """Tell what forms and tips say of each feature, and what they point at."""
    facts = []
    for feature in layer.getFeatures():
        context = context_of(layer, feature)
        roots = {
            field.name(): config["PropertyCollection"]["properties"]["propertyRootPath"]["expression"]
            for index, field in enumerate(layer.fields())
            if "PropertyCollection" in (config := layer.editorWidgetSetup(index).config())
        }
        facts.append(
            {
                "key": feature[1],
                "tip": QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context),
                "label": evaluated(layer.labeling().settings().fieldName, context) if layer.labelsEnabled() else None,
                "actions": [
                    QgsExpression.replaceExpressionText(action.command(), context)
                    for action in layer.actions().actions()
                ],
                "files": {name: f"{evaluated(root, context)}/{feature[name]}" for name, root in roots.items()},
            }
        )
    return facts


def rendered(layers: list[Any], extent: Any, crs: Any, path: Path) -> list[str]:
    """Draw layers into a picture; return what went wrong."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setExtent(extent)
    settings.setDestinationCrs(crs)
    settings.setOutputSize(QSize(1400, 900))
    settings.setOutputDpi(96)
    settings.setBackgroundColor(QColor("white"))
    settings.setFlag(QgsMapSettings.Antialiasing, True)
    context = QgsExpressionContext()
    context.appendScope(QgsExpressionContextUtils.projectScope(QgsProject.instance()))
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(str(path))
    return [error.message for error in job.errors()]


def grabbed_form(layer: Any, key: str, context: Any, path: Path) -> list[str]:
    """Open a feature's form on its first tab and photograph it; return its tabs."""
    feature = next(one for one in layer.getFeatures() if one[1] == key)
    form = QgsAttributeForm(layer, feature, context)
    form.resize(760, 900)
    form.show()
    QgsApplication.processEvents()
    form.grab().save(str(path))
    tabs = form.findChildren(QTabWidget)
    names = [tabs[0].tabText(index) for index in range(tabs[0].count())]
    form.close()
    return names


def project_facts(folder: Path, context: Any) -> dict[str, Any]:
    """Open the project as a user would, look at it, and review one candidate."""
    project = QgsProject.instance()
    project.clear()
    facts: dict[str, Any] = {"read": project.read(str(folder / "inspection.qgz"))}
    layers = {name: project.mapLayer(f"tenken_layer_{name}") for name in LAYERS}
    extent = project.viewSettings().defaultViewExtent()
    root = project.layerTreeRoot()
    themes = project.mapThemeCollection()
    facts |= {
        "title": project.title(),
        "crs": project.crs().authid(),
        "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
        "layers": {name: layer_facts(layer) for name, layer in layers.items()},
        "groups": {group.name(): [leaf.name() for leaf in group.findLayers()] for group in root.findGroups()},
        "shown": [layer.id() for layer in root.checkedLayers()],
        "themes": {theme: themes.mapThemeVisibleLayerIds(theme) for theme in themes.mapThemes()},
        "variables": project.customVariables(),
        "relations": {
            relation.id(): {
                "name": relation.name(),
                "valid": relation.isValid(),
                "rows": {
                    parent[1]: sum(1 for _ in relation.getRelatedFeatures(parent))
                    for parent in relation.referencedLayer().getFeatures()
                },
            }
            for relation in project.relationManager().relations().values()
        },
        "features": {name: feature_facts(layers[name]) for name in ("defects", "crack_lines", "sightings", "photos")},
        "map_errors": rendered(root.checkedLayers(), extent, project.crs(), folder / "map.png"),
        "form_tabs": grabbed_form(layers["defects"], "C-0001", context, folder / "form.png"),
    }
    facts["reviewed"] = review(layers["defects"], "C-0002")
    facts["map_errors"] += rendered(root.checkedLayers(), extent, project.crs(), folder / "reviewed.png")
    return facts


def review(layer: Any, key: str) -> bool:
    """Reject a candidate, as a person does in the form."""
    feature = next(one for one in layer.getFeatures() if one[1] == key)
    layer.startEditing()
    for name, value in (("review", "rejected"), ("review_note", "型枠の目地")):
        layer.changeAttributeValue(feature.id(), layer.fields().indexFromName(name), value)
    return bool(layer.commitChanges())


def package_facts(folder: Path) -> dict[str, Any]:
    """Open the package alone, every table as QGIS offers it."""
    package = str(folder / "inspection.gpkg")
    offered = [one.name() for one in QgsProviderRegistry.instance().querySublayers(package)]
    layers = {name: QgsVectorLayer(f"{package}|layername={name}", name, "ogr") for name in offered}
    facts = {name: layer_facts(layer) for name, layer in layers.items()}
    for name, layer in layers.items():
        count, _, names, _, _ = layer.listStylesInDatabase()
        facts[name]["styles"] = names[: max(count, 0)]
    return {
        "offered": offered,
        "layers": facts,
        "features": {name: feature_facts(layers[name]) for name in ("defects", "sightings")},
    }


def main() -> None:
    """Print the facts of all folders."""
    faulthandler.enable()
    log: list[list[str]] = []
    application = QgsApplication([], True)
    application.initQgis()
    QgsApplication.messageLog().messageReceived.connect(lambda text, tag, level: log.append([tag, text, str(level)]))
    # What the application's window provides; forms with related rows crash without.
    canvas, bar, context = QgsMapCanvas(), QgsMessageBar(), QgsAttributeEditorContext()
    tools, digitizing = WindowTools(), QgsAdvancedDigitizingDockWidget(canvas)
    QgsGui.editorWidgetRegistry().initEditors(canvas, bar)
    context.setVectorLayerTools(tools)
    context.setMapCanvas(canvas)
    context.setCadDockWidget(digitizing)
    facts = {
        one: {"package": package_facts(Path(one)), "project": project_facts(Path(one), context)} for one in sys.argv[1:]
    }
    sys.stdout.write(json.dumps({"folders": facts, "log": log}, default=str))
    sys.stdout.flush()
    os._exit(0)  # Python would take the window's parts down in an order in which QGIS crashes


if __name__ == "__main__":
    main()
