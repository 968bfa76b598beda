"""Make the pictures of docs/qgis.md again, from the results of ``inspect demo``, with QGIS itself.

Run with QGIS's Python: ``QT_QPA_PLATFORM=offscreen /usr/bin/python3 docs/make_qgis_pictures.py tenken-demo/results``.
Nothing is set here but what is in view: styles, legend and form are those of ``inspection.qgz``.
"""

import argparse
import os
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsLayerTreeModel,
    QgsLegendRenderer,
    QgsLegendSettings,
    QgsLegendStyle,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsRenderContext,
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
from qgis.PyQt.QtCore import QEventLoop, QRectF, QSize, Qt, QTimer
from qgis.PyQt.QtGui import QColor, QFont, QImage, QPainter
from qgis.PyQt.QtWidgets import QTabWidget

DPI = 110
MAP_PX = (900, 760)
LEGEND_PX = 300
FORM_PX = (620, 820)
QUALITY = 78
FONT = "DejaVu Sans"


class WindowTools(QgsVectorLayerTools):
    """What the application's window does for forms; a form with related rows asks for it."""


def main() -> None:
    """Write ``NAME_map.jpg``, ``NAME_near.jpg``, ``NAME_form.jpg``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder that `inspect demo` left")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--name", default="qgis", help="what the names of the pictures begin with")
    arguments = parser.parse_args()
    application = QgsApplication([], True)
    application.initQgis()
    QgsApplication.setNullRepresentation("–")  # as docs/qgis.md tells how to
    QgsApplication.setFont(QFont(FONT, 9))
    project = QgsProject.instance()
    if not project.read(str(arguments.results / "inspection.qgz")):
        raise SystemExit(f"{arguments.results}: holds no project that QGIS can read: run `inspect demo` first")
    extent = project.viewSettings().defaultViewExtent()
    whole = drawn_map(extent)
    save(beside(legend(whole.height()), whole), arguments.out / f"{arguments.name}_map.jpg")
    save(drawn_map(near(extent)), arguments.out / f"{arguments.name}_near.jpg")
    # What the application's window provides; forms with related rows crash without.
    canvas, bar, tools, context = QgsMapCanvas(), QgsMessageBar(), WindowTools(), QgsAttributeEditorContext()
    digitizing = QgsAdvancedDigitizingDockWidget(canvas)
    QgsGui.editorWidgetRegistry().initEditors(canvas, bar)
    context.setVectorLayerTools(tools)
    context.setMapCanvas(canvas)
    context.setCadDockWidget(digitizing)
    save(beside(*(form(tab, context) for tab in (0, 1))), arguments.out / f"{arguments.name}_form.jpg")
    os._exit(0)  # Python would take the window's parts down in an order in which QGIS crashes


def drawn_map(extent: Any) -> Any:
    """Draw what the project shows when opened."""
    project, settings = QgsProject.instance(), QgsMapSettings()
    settings.setLayers(project.layerTreeRoot().checkedLayers())
    settings.setExtent(extent)
    settings.setDestinationCrs(project.crs())
    settings.setOutputSize(QSize(*MAP_PX))
    settings.setOutputDpi(DPI)
    settings.setBackgroundColor(QColor("white"))
    settings.setFlag(QgsMapSettings.Antialiasing, True)
    context = QgsExpressionContext()
    context.appendScope(QgsExpressionContextUtils.projectScope(project))
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def near(extent: Any) -> Any:
    """Give the surroundings of the widest measured crack."""
    layer = QgsProject.instance().mapLayer("tenken_layer_crack_lines")
    widest = max(layer.getFeatures(), key=lambda one: one["width_mm"] if isinstance(one["width_mm"], float) else 0.0)
    middle = widest.geometry().boundingBox().center()
    width, height = extent.width() * 0.14, extent.height() * 0.14
    return QgsRectangle(middle.x() - width, middle.y() - height, middle.x() + width, middle.y() + height)


def legend(height_px: int) -> Any:
    """Draw the project's legend without its tables."""
    root = QgsProject.instance().layerTreeRoot().clone()
    for group in root.findGroups():
        if not any(leaf.isVisible() for leaf in group.findLayers()):
            root.removeChildNode(group)
    for leaf in root.findLayers():
        if not leaf.isVisible():
            leaf.parent().removeChildNode(leaf)
    settings = QgsLegendSettings()
    for style, size in (("Group", 10), ("Subgroup", 9), ("SymbolLabel", 8)):
        changed = settings.style(getattr(QgsLegendStyle, style))
        changed.setFont(QFont(FONT, size))
        settings.setStyle(getattr(QgsLegendStyle, style), changed)
    image = QImage(LEGEND_PX, height_px, QImage.Format_RGB32)
    image.setDotsPerMeterX(round(DPI / 0.0254))
    image.setDotsPerMeterY(round(DPI / 0.0254))
    image.fill(Qt.white)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.Antialiasing)
    painter.scale(DPI / 25.4, DPI / 25.4)  # the legend is laid out in millimetres
    context = QgsRenderContext.fromQPainter(painter)
    context.setScaleFactor(DPI / 25.4)
    model = QgsLayerTreeModel(root)  # the renderer does not keep it
    QgsLegendRenderer(model, settings).drawLegend(context)
    painter.end()
    return image


def form(tab: int, context: Any) -> Any:
    """Photograph a tab of the form of the widest measured crack."""
    layer = QgsProject.instance().mapLayer("tenken_layer_defects")
    widest = max(layer.getFeatures(), key=lambda one: one["width_mm"] if isinstance(one["width_mm"], float) else 0.0)
    shown = QgsAttributeForm(layer, widest, context)
    shown.resize(*FORM_PX)
    shown.show()
    shown.findChildren(QTabWidget)[0].setCurrentIndex(tab)
    loop = QEventLoop()
    QTimer.singleShot(1500, loop.quit)  # names of related rows come a moment later
    loop.exec_()
    picture = shown.grab().toImage()
    shown.close()
    return picture


def beside(*pictures: Any) -> Any:
    """Put pictures side by side."""
    sheet = QImage(sum(one.width() for one in pictures), max(one.height() for one in pictures), QImage.Format_RGB32)
    sheet.fill(Qt.white)
    painter, left = QPainter(sheet), 0
    for one in pictures:
        painter.drawImage(QRectF(left, 0, one.width(), one.height()), one)
        left += one.width()
    painter.end()
    return sheet


def save(picture: Any, path: Path) -> None:
    """Write a picture, small enough for a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(str(path), "JPG", QUALITY)


if __name__ == "__main__":
    main()
