"""The tests' world: rendered flights with known truth, made once a session, and the real flights where they are."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from own_process import INSIDE
from tenken_demo import DemoTruth, make_demo_flight

# The same examples in every run: what a run of today finds must not fail a change of tomorrow. Nor may a busy machine.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")

SHARED = Path(__file__).parents[2] / "shared"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what must run in a process of its own to that process."""
    inside = INSIDE in os.environ
    left = [item for item in items if (item.get_closest_marker("own_process") is not None) != inside]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Weights that the person at this machine has promoted must not change what tests find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENKEN_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _english() -> Iterator[None]:
    """Commands that are not asked for a language answer in English, also on a Japanese machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LC_ALL", "C.UTF-8")
        yield


@dataclass(frozen=True, slots=True)
class DemoFlight:
    """A demo flight on disk and its truth."""

    folder: Path
    truth: DemoTruth

    @property
    def images(self) -> Path:
        return self.folder / "images"

    @property
    def assets(self) -> Path:
        return self.folder / "assets.geojson"

    @property
    def surface(self) -> str:
        return str(self.folder / "surface.tif")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFlight:
    """Six photos, 2000 x 1500 px, 1.07 mm per pixel."""
    folder = tmp_path_factory.mktemp("demo")
    return DemoFlight(folder, make_demo_flight(folder, width_px=2000, height_px=1500))


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFlight:
    """Three photos, 480 x 360 px, 4.5 mm per pixel: for what does not depend on the content."""
    folder = tmp_path_factory.mktemp("small")
    return DemoFlight(folder, make_demo_flight(folder, photos=3, width_px=480, height_px=360))


@pytest.fixture(scope="session")
def real_flights() -> Path:
    """Folder of the real flights; tests that need it are skipped where it is absent."""
    folder = SHARED / "flights"
    if not folder.is_dir():
        pytest.skip("the real flights are not here: they are not part of the repository")
    return folder
