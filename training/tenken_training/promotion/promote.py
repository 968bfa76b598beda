"""Decide on new weights by the rules, and make them the default."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tenken.detection.default_weights import make_default
from tenken.detection.weights import Weights, add_weights, find_weights
from tenken.detection.weights_card import Promoted, read_card, write_card
from tenken.detection.weights_folders import user_weights_dir
from tenken.errors import SettingsError, WeightsError
from tenken.notes import Note, kind_name, said
from tenken.running.progress import Progress, Silence
from tenken.settings import Lang
from tenken.wording import words
from tenken_training.evaluation import LabelledSet, default_conditions, judged_weights
from tenken_training.promotion.decision import Decision, dataset_name, reasons_of, write_decision
from tenken_training.promotion.judging import Compared, compared, worse_pictures
from tenken_training.promotion.rendered_sets import rendered_sets
from tenken_training.promotion.report import Gallery, write_page


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision, and both weights."""

    decision: Decision
    new: Weights
    old: Weights


def decide(
    new: str | Path,
    given: Sequence[LabelledSet],
    out_dir: Path,
    *,
    against: str | Path = "default",
    rendered: Sequence[LabelledSet] | None = None,
    device: str = "auto",
    workers: int | None = None,
    progress: Progress | None = None,
    lang: Lang = "en",
) -> Outcome:
    """Judge new weights beside others by the rules of `tenken_training.promotion.decision`.

    Parameters
    ----------
    new, against
        Names or files of weights.
    given
        Labelled photos, and photos without any defect.
    out_dir
        Folder for ``promotion.json`` and ``promotion.html``.
    rendered
        Rendered structures; those that every promotion is judged on when None.
    lang
        Language of the page.

    Raises
    ------
    SettingsError
        When both are the same weights, two sets have one name, or photos cannot be used.
    WeightsError
        When weights cannot be used.
    """
    progress = progress or Silence()
    weights, before = find_weights(new), find_weights(against)
    if weights.sha256 == before.sha256:
        raise SettingsError(f"{new} and {against} are the same weights ({weights.path}); name others")
    judged = [judged_weights(one.path, device=device, sensitive=False) for one in (weights, before)]
    sets = [*given, *(rendered_sets() if rendered is None else rendered)]
    names = [one.name for one in sets]
    if len(set(names)) < len(names):
        raise SettingsError(f"two data sets are named {max(names, key=names.count)}; rename the folder of one")
    progress.start("evaluate", 2 * sum(len(one.photos) for one in sets))
    done = [compared(one, judged[0], judged[1], default_conditions(), workers, progress) for one in sets]
    rows = tuple(row for one in done for row in one.rows)
    lost = tuple(kind for kind in before.card.classes if kind not in weights.card.classes)
    decision = Decision(
        new=judged[0].subject,
        old=judged[1].subject,
        datasets={one.name: one.sha256() for one in sets},
        rows=rows,
        reasons=reasons_of(rows, lost, tuple(fault for one in done for fault in one.label_faults)),
        notes=tuple(
            Note.of("promotion.note", dataset=one.name, note=one.caution) for one in given if one.caution is not None
        ),
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    write_page(out_dir / "promotion.html", decision, _galleries(done, lang), lang)
    write_decision(decision, out_dir / "promotion.json")
    return Outcome(decision, weights, before)


def install(outcome: Outcome, name: str | None = None) -> Weights:
    """Make weights that passed the default: copy, card, changelog, and last of all the default itself.

    Raises
    ------
    WeightsError
        When they did not pass, or the name stands for other weights.
    """
    decision = outcome.decision
    if not decision.accepted:
        raise WeightsError(f"{decision.new.name} is refused; see the reasons")
    weights = outcome.new
    if name is not None or weights.path.parent.resolve() != user_weights_dir().resolve():
        weights = add_weights(weights.path, name or weights.card.name)
    entry = Promoted(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        instead_of=decision.old.name,
        instead_of_sha256=decision.old.sha256,
        judged_on=tuple(f"{one} ({sha256[:12]})" for one, sha256 in decision.datasets.items()),
        better=decision.better,
    )
    card_path = weights.path.with_name(f"{weights.card.name}.json")
    card = read_card(card_path)
    write_card(card.model_copy(update={"promoted": (*card.promoted, entry)}), card_path)
    gains = "; ".join(decision.better[:3]) or "nothing worse"
    make_default(
        weights.card.name,
        weights.sha256,
        f"{weights.card.name} (sha256 {weights.sha256[:12]}) instead of {decision.old.name} "
        f"({decision.old.sha256[:12]}): {gains}",
    )
    return find_weights(weights.card.name)


def _galleries(done: Sequence[Compared], lang: Lang) -> list[Gallery]:
    galleries: list[Gallery] = []
    for one in done:
        for kind in dict.fromkeys(row.kind for row in one.rows if row.verdict == "worse"):
            pictures = worse_pictures(one, kind)
            if pictures:
                name = said(dataset_name(one.labelled.name), lang)
                galleries.append((words(lang)("promotion.worse", kind=kind_name(kind, lang), name=name), pictures))
    return galleries
