"""What fifty annotated photos of a new site give, what they cost elsewhere, and whether poison is refused.

``python benchmarks/new_site.py ../shared runs/new-site`` makes three new sites: a rendered one with a look of its own
(`site_looks`), and two of photos that nothing was trained on (`new_site_data`): corrosion as a video camera with a
weak lamp shows it in a pipe, and, the hardest, cracks that are white. The default weights are trained on with fifty
photos of each (of the pipe forty: there are no more), and the rules of ``inspect promote`` compare both on the site's
test photos, on the test splits of the public sets, and on rendered structures. With ``--poisoned`` the rendered site's
labels are shifted by 30 px, or cracks and corrosion swapped, before they are trained on: judged on the poisoned site
itself, promotion must still refuse.

The number of steps is fixed, so that the figures do not depend on how busy the machine is; times are printed too, as
passed and as processor time. What a folder of work holds is not made again.
"""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path

import new_site_data

from tenken_training.annotations.dataset import Dataset, read_dataset
from tenken_training.devices import use_threads
from tenken_training.evaluation import LabelledSet, read_labelled_set
from tenken_training.promotion import decide, decision_table
from tenken_training.retraining import Request, retrain

WANTED_GAIN = 0.15
RECALL = {"crack": "line_recall", "corrosion": "pixel_recall"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, help="folder that holds data/cracks and data/corrosion")
    parser.add_argument("work", type=Path)
    sites = ["rendered", *new_site_data.SITES]
    parser.add_argument("--sites", nargs="*", default=sites, choices=sites)
    parser.add_argument("--poisoned", nargs="*", default=[], choices=["shifted", "swapped"])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--poison-steps", type=int, default=200, help="enough to learn labels that are wrong")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    use_threads(options.threads)
    sets = options.work / "sets"
    earlier = (options.shared / "data" / "cracks", options.shared / "data" / "corrosion")
    for site in options.sites:
        folder, replay = sets / site, earlier
        if site == "rendered":
            dataset = made_once(folder, lambda: new_site_data.rendered_site(folder))  # noqa: B023
        else:
            kind, look = new_site_data.SITES[site]
            dataset = made_once(folder, lambda: new_site_data.kept_out_site(options.shared, folder, kind, look))  # noqa: B023
            kept = sets / new_site_data.SETS[kind].name
            if not kept.is_dir():
                new_site_data.beside_kept_out(options.shared, kind, kept)
            replay = tuple(kept if one.name == kept.name else one for one in earlier)
        judged = [read_labelled_set(dataset.root, "test"), *(read_labelled_set(one, "test") for one in earlier)]
        compare(site, folder, judged, replay, options.work, options.steps)
    for poison in options.poisoned:
        change = {"shifted": new_site_data.shifted, "swapped": new_site_data.swapped}[poison]
        clean = made_once(sets / "rendered", lambda: new_site_data.rendered_site(sets / "rendered"))
        folder = made_once(sets / poison, lambda: change(clean, sets / poison)).root  # noqa: B023
        compare(poison, folder, [read_labelled_set(folder, "test")], (), options.work, options.poison_steps)


def made_once(folder: Path, make: Callable[[], Dataset]) -> Dataset:
    return read_dataset(folder) if (folder / "dataset.json").is_file() else make()


def compare(
    name: str, dataset: Path, judged: list[LabelledSet], replay: tuple[Path, ...], work: Path, steps: int
) -> None:
    begun, used = time.monotonic(), processor_seconds()
    weights = work / name / "weights" / f"{name}.onnx"
    if not weights.with_suffix(".json").is_file():
        made = retrain(
            Request(dataset, work / name, weights.parent, name, replay=replay, steps=steps, workers=1), Told()
        )
        print(f"{name}: {made.choice.told()}")
        print(
            f"{name}: trained, chosen and published in {(time.monotonic() - begun) / 60:.1f} min, "
            f"{(processor_seconds() - used) / 60:.1f} processor minutes, {steps} steps"
        )
    decision = decide(weights, judged, work / name / "promotion").decision
    print(decision_table(decision))
    for row in decision.rows:
        if row.dataset == judged[0].name and row.site is None and row.figure == RECALL[row.kind]:
            gain = (row.new or 0) - (row.old or 0)
            print(f"{name}: {row.kind} {row.figure} {gain:+.3f}, wanted {WANTED_GAIN:+.2f} or more", flush=True)


def processor_seconds() -> float:
    """Of this process and of those that made crops for it."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


class Told:
    """Prints what is noted; steps are not counted."""

    def start(self, stage: str, total: int) -> None:
        """Print a stage."""
        print(f"{stage}: {total}", flush=True)

    def advance(self, steps: int = 1) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)


if __name__ == "__main__":
    main()
