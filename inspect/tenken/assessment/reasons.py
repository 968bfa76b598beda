"""Why a grade or a rank is what it is: reasons as data, and their sentences in Japanese and English.

A reason is made where the decision is made and becomes a sentence only when a report's language is known.
Official Japanese terms stand as the guidelines write them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tenken.settings import Lang


@dataclass(frozen=True, slots=True)
class Term:
    """A word that differs between the languages, by its key in `TERMS`; an unknown key stands for itself."""

    key: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that led to a grade or a rank."""

    code: str
    """Key in `SENTENCES`."""
    params: dict[str, object] = field(default_factory=dict)
    """Figures, names, `Term` or tuples of those, by the names in the sentence."""


TERMS: dict[str, tuple[str, str]] = {
    "crack": ("ひびわれ", "crack"),
    "corrosion": ("腐食", "corrosion"),
    "spalling": ("剥離", "spalling"),
    "exposed_rebar": ("鉄筋露出", "exposed reinforcement"),
    "delamination": ("うき", "delamination"),
    "leakage": ("漏水", "leakage"),
    "efflorescence": ("遊離石灰", "efflorescence"),
    "RC": ("RC", "RC"),
    "PC": ("PC", "PC"),
    "steel": ("鋼", "steel"),
    "weathering_steel": ("耐候性鋼", "weathering steel"),
    "asphalt": ("アスファルト", "asphalt"),
    "unknown": ("不明", "unknown"),
    "no grade": ("評価区分なし", "no grade"),
    "measured": ("測定", "measured"),
    "estimated": ("推定", "estimated"),
    "unmeasured": ("測定不可", "not measurable"),
    "below_limit": ("検出限界未満", "below the limit"),
    "路下条件": ("路下条件", "what is below (路下条件)"),
    "代替路の有無": ("代替路の有無", "alternative route (代替路の有無)"),
    "自専道/一般道": ("自専道/一般道", "road class (自専道/一般道)"),
    "緊急輸送道路": ("緊急輸送道路", "emergency route (緊急輸送道路)"),
    "占用物件": ("占用物件", "utilities (占用物件)"),
}
"""Japanese and English by key."""

SENTENCES: dict[str, tuple[str, str]] = {
    # a defect's grade
    "candidates": ("候補 {grades}（{standard} {rule}）。", "Candidate {grades} ({standard}, {rule})."),
    "width_interval": (
        "幅 {low_mm:.2f}～{high_mm:.2f} mm（{status}）。",
        "Width {low_mm:.2f}-{high_mm:.2f} mm ({status}).",
    ),
    "width_largest": (
        "最大幅（長さ20 mmの平均）{low_mm:.2f}～{high_mm:.2f} mm（{status}）。",
        "Largest width (mean over 20 mm) {low_mm:.2f}-{high_mm:.2f} mm ({status}).",
    ),
    "width_exact": ("幅 {width_mm:.2f} mm（{status}）。", "Width {width_mm:.2f} mm ({status})."),
    "width_below": (
        "この写真では幅を測れず、{high_mm:.2f} mm 以下としか言えない。",
        "Width not measurable in the photo: all that can be said is at most {high_mm:.2f} mm.",
    ),
    "width_unknown": (
        "幅を測定できないため、すべての幅区分が候補に残る。",
        "The width could not be measured, so every width class stays possible.",
    ),
    "no_scale": (
        "地上解像度が不明で幅・面積を実寸にできないため、評価区分なし。",
        "No grade: without a known ground resolution there are no sizes in mm.",
    ),
    "spacing": (
        "平行するひびわれとの最小間隔 {spacing_m:.2f} m。",
        "Least spacing to a parallel crack {spacing_m:.2f} m.",
    ),
    "spacing_borderline": (
        "最小間隔 {spacing_m:.2f} m は区分の境界付近のため両方が候補。",
        "Least spacing {spacing_m:.2f} m is borderline, so both classes stay possible.",
    ),
    "spacing_single": (
        "{search_m:.0f} m 以内に平行するひびわれなし。",
        "No parallel crack within {search_m:.0f} m.",
    ),
    "spacing_unknown": (
        "最小間隔が不明なため、すべての間隔区分が候補に残る。",
        "The least spacing is unknown, so every spacing class stays possible.",
    ),
    "material_unknown": (
        "材料が不明なため {materials} のすべてを候補とした。",
        "Material unknown: the candidates hold for {materials}.",
    ),
    "exposure_class_unknown": (
        "環境条件（露出クラス）が不明なため {exposures} のすべてを候補とした。",
        "Exposure class unknown: the candidates hold for {exposures}.",
    ),
    "crack_ratio": (
        "見えた範囲のひび割れ率 {low_pct:.1f}～{high_pct:.1f} %（ます目の置き方による幅）。",
        "Cracked share of the grid in what was seen {low_pct:.1f}-{high_pct:.1f} %, as the grid is laid.",
    ),
    "crack_ratio_exact": (
        "見えた範囲のひび割れ率 {ratio_pct:.1f} %。",
        "Cracked share of the grid in what was seen {ratio_pct:.1f} %.",
    ),
    "crack_ratio_unknown": ("ひび割れ率は不明。", "The cracked share of the grid is unknown."),
    "no_rule": (
        "{standard} には材料「{material}」の{kind}の区分がないため、評価区分なし。",
        "No grade: {standard} has no class for {kind} on material {material}.",
    ),
    "rust_on_concrete": (
        "コンクリート上のさびは ①腐食 では評価しない。露出鉄筋のさびなら ⑦剥離・鉄筋露出 として人が判断する。",
        "Rust on concrete is not graded as ① corrosion: rust on exposed bars belongs to ⑦ 剥離・鉄筋露出, "
        "which a person decides.",
    ),
    "crack_in_steel": (
        "鋼部材のき裂は写真から判断できない。近接目視が必要。",
        "Cracks in steel cannot be judged from pictures: close-range inspection (近接目視) is needed.",
    ),
    "corrosion_share": (
        "確認できた面積の {share_pct:.3g} % に腐食。",
        "Corrosion on {share_pct:.3g} % of the area seen.",
    ),
    "corrosion_share_unknown": ("腐食の面積率は不明。", "The corroded share of the area is unknown."),
    "depth_by_person": (
        "腐食の深さは写真からは分からず、人が入力する。",
        "The depth of corrosion cannot be read from pictures; a person enters it.",
    ),
    "weathering_steel": (
        "耐候性鋼のさびは正常な場合がある。",
        "On weathering steel a layer of rust can be normal.",
    ),
    # a segment's rank
    "hard_rule_falling": (
        "最優先：{kind}の候補があり、人の上に落下するおそれ（路下条件：{below}）。",
        "First of all: candidate {kind} that can fall on people (below: {below}).",
    ),
    "worst": ("最も重い候補 {defect}（{kind}）：{reason}", "Worst candidate {defect} ({kind}): {reason}"),
    "segment_candidates": ("区間の候補：{grades}。", "Candidates for the segment: {grades}."),
    "ungraded": (
        "評価区分のない損傷候補 {count} 件。人による確認が必要。",
        "{count} candidate defect(s) without a grade: a person must look.",
    ),
    "quantities": ("数量：{quantities}。", "Quantities: {quantities}."),
    "quantity_length": ("{kind} {grades} {amount:.2f} m", "{kind} {grades} {amount:.2f} m"),
    "quantity_area": ("{kind} {grades} {amount:.3f} m²", "{kind} {grades} {amount:.3f} m²"),
    "quantity_count": ("{kind} {grades} {count} 件", "{count} {kind} {grades}"),
    "severe_corrosion": (
        "腐食のうち重度（severe）と推定された面積 {area_m2:.3f} m²（損傷程度の評価ではない）。",
        "Of the corrosion an estimated {area_m2:.3f} m² is in severe condition (the detector's class, not a grade).",
    ),
    "severity": (
        "損傷の重さ {severity:.2f}（重み {weight:.2f}）。",
        "Severity {severity:.2f} (weight {weight:.2f}).",
    ),
    "certainty": (
        "確からしさ {certainty:.2f}（重み {weight:.2f}）：候補を確信度で割り引いて残る重さの割合"
        "（最も重い候補の確信度 {score:.2f}）。",
        "Certainty {certainty:.2f} (weight {weight:.2f}): share of the severity that is left when each candidate "
        "counts with its score (the worst one's is {score:.2f}).",
    ),
    "certainty_confirmed": (
        "確からしさ {certainty:.2f}（重み {weight:.2f}）：最も重い候補は確認済み、または確信度 1。",
        "Certainty {certainty:.2f} (weight {weight:.2f}): the worst candidate was confirmed, or its score is 1.",
    ),
    "importance": (
        "重要度 {importance:.2f}（重み {weight:.2f}）：{inputs}。",
        "Importance {importance:.2f} (weight {weight:.2f}): {inputs}.",
    ),
    "importance_input": ("{name} {value}→{score:.2f}", "{name} {value} → {score:.2f}"),
    "importance_unread": (
        "{name} {value}→{score:.2f}（表にない値）",
        "{name} {value} → {score:.2f} (not in the table)",
    ),
    "importance_not_given": (
        "重要度 {importance:.2f}（重み {weight:.2f}）：入力なし。",
        "Importance {importance:.2f} (weight {weight:.2f}): no inputs given.",
    ),
    "exposure": (
        "損傷の広がり {exposure:.2f}（重み {weight:.2f}）：ひびわれ {density:.3f} m/m²。",
        "Extent {exposure:.2f} (weight {weight:.2f}): cracks {density:.3f} m/m².",
    ),
    "exposure_corrosion": (
        "損傷の広がり {exposure:.2f}（重み {weight:.2f}）：ひびわれ {density:.3f} m/m²、腐食 {share_pct:.3g} %。",
        "Extent {exposure:.2f} (weight {weight:.2f}): cracks {density:.3f} m/m², corrosion {share_pct:.3g} %.",
    ),
    "exposure_unknown": (
        "損傷の広がり {exposure:.2f}（重み {weight:.2f}）：十分な画質で見えた面積がなく不明。",
        "Extent {exposure:.2f} (weight {weight:.2f}): unknown, as no area was seen well enough.",
    ),
    "rank_firm": (
        "重みを ±{percent:.0f} % 変えても順位 {first} のまま。",
        "Stays at rank {first} when a weight moves by {percent:.0f} %.",
    ),
    "rank_range": (
        "重みを ±{percent:.0f} % 変えると順位 {first}～{last}。",
        "Rank {first} to {last} when a weight moves by {percent:.0f} %.",
    ),
    "nothing_found": (
        "損傷の候補は見つからなかった（健全という意味ではない）。",
        "No candidate was found; this does not mean sound.",
    ),
    "nothing_found_limit": (
        "損傷の候補は見つからなかった（健全という意味ではない）。"
        "実効解像度 {resolution_mm:.2g} mm/px では幅 {limit_mm:.2g} mm 未満のひびわれは写らない。",
        "No candidate was found; this does not mean sound: at {resolution_mm:.2g} mm/px cracks under "
        "{limit_mm:.2g} mm do not show.",
    ),
    "partly_seen": (
        "区間の {percent:.0f} % しか確認できていない。",
        "Only {percent:.0f} % of the segment was seen well enough.",
    ),
    "not_assessed": (
        "未評価：確認できたのは区間の {percent:.0f} %。近接目視などで確認が必要。",
        "Not assessed: {percent:.0f} % of the segment was seen; it must be looked at another way.",
    ),
    "not_assessed_photos": (
        "未評価：写真はあるが使えない（解像度・鮮明さ・角度が不足）。",
        "Not assessed: there are photos, but too coarse, blurred or oblique to use.",
    ),
}
"""Japanese and English sentence by code; both take the same figures."""


def render(reason: Reason, lang: Lang) -> str:
    """Make one sentence of a reason.

    >>> render(Reason("spacing", {"spacing_m": 0.4}), "en")
    'Least spacing to a parallel crack 0.40 m.'
    """
    words = {name: _word(value, lang) for name, value in reason.params.items()}
    return SENTENCES[reason.code][lang == "en"].format(**words)


def render_all(reasons: Iterable[Reason], lang: Lang) -> str:
    """Make running text of several reasons; English puts a space between sentences, Japanese none."""
    return (" " if lang == "en" else "").join(render(reason, lang) for reason in reasons)


def _word(value: object, lang: Lang) -> object:
    if isinstance(value, Term):
        return TERMS.get(value.key, (value.key, value.key))[lang == "en"]
    if isinstance(value, Reason):
        return render(value, lang)
    if isinstance(value, tuple):
        return ("、" if lang == "ja" else ", ").join(str(_word(item, lang)) for item in value)
    return value
