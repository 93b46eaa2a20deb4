"""The methods section: a paragraph with the run's own numbers, the facts behind it, and whom to cite."""

from collections import Counter
from collections.abc import Iterator, Mapping

from ubam.core.text import listed, plural, seconds_text
from ubam.results.records.codec import number
from ubam.results.records.tests import NOT_CORRECTED, Test
from ubam.results.run_data import RunData

SOURCES = {
    "uBAM": "Brattoli B, Büchler U, Dorkenwald M, Reiser P, Filli L, Helmchen F, Wahl AS, Ommer B. Unsupervised "
    "behaviour analysis and magnification (uBAM) using deep learning. Nature Machine Intelligence 3, 495-506 (2021).",
    "jackknife": "Barber RF, Candès EJ, Ramdas A, Tibshirani RJ. Predictive inference with the jackknife+. Annals of "
    "Statistics 49, 486-507 (2021).",
    "shrinkage": "Chen Y, Wiesel A, Eldar YC, Hero AO. Shrinkage algorithms for MMSE covariance estimation. "
    "IEEE Transactions on Signal Processing 58, 5016-5029 (2010).",
    "Benjamini": "Benjamini Y, Hochberg Y. Controlling the false discovery rate. Journal of the Royal Statistical "
    "Society B 57, 289-300 (1995).",
    "max-statistic": "Westfall PH, Young SS. Resampling-based multiple testing. Wiley, New York (1993).",
    "cluster mass": "Maris E, Oostenveld R. Nonparametric statistical testing of EEG- and MEG-data. Journal of "
    "Neuroscience Methods 164, 177-190 (2007).",
    "Cliff": "Cliff N. Dominance statistics: ordinal analyses to answer ordinal questions. Psychological Bulletin 114, "
    "494-509 (1993).",
    "Hedges": "Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators. Journal of "
    "Educational Statistics 6, 107-128 (1981).",
    "prediction strength": "Tibshirani R, Walther G. Cluster validation by prediction strength. Journal of "
    "Computational and Graphical Statistics 14, 511-528 (2005).",
    "linear discriminant": "Ledoit O, Wolf M. A well-conditioned estimator for large-dimensional covariance matrices. "
    "Journal of Multivariate Analysis 88, 365-411 (2004).",
}


def methods_paragraph(data: RunData) -> str:
    """A paragraph for a methods section with the run's own numbers, n at every level among them."""
    return " ".join(
        sentence for sentence in (_analysed(data), _learned(data), _compared(data), _tested(data)) if sentence
    )


def _analysed(data: RunData) -> str:
    record, sizes = data.record, Counter(score.group for score in data.subjects)
    used = sum(row.get("status") in ("ok", "partial") for row in data.recordings)
    failed = sum(row.get("status") == "failed" for row in data.recordings)
    groups = listed([f"{sizes[group]} {group}" for group in data.groups if sizes[group]]) or "none scored"
    people = len({score.subject for score in data.subjects})
    whose = f"{used} video {plural(used, 'recording')} of {people} {plural(people, 'subject')}"
    windows = sum(score.n_windows for score in data.by_recording.values())
    seconds = sum(number(row.get("duration_s")) or 0.0 for row in data.recordings if row.get("status") != "failed")
    amount = f"; {windows:,} windows in {seconds_text(seconds)}" if windows else ""
    program = f"ubam {record.ubam or '(version unknown)'} ({_run_of(data)}, seed {_or_unknown(record.seed)})"
    left_out = f" {failed} {plural(failed, 'recording')} could not be used." if failed else ""
    return f"{whose} ({groups}{amount}) {'was' if used == 1 else 'were'} analysed with {program}.{left_out}"


def _run_of(data: RunData) -> str:
    record = data.record
    steps = _setting(record.training or {}, "steps") or _setting(record.settings, "train_steps", "steps")
    seconds = record.stages["train"].seconds if "train" in record.stages else None
    parts = [f"preset {record.preset or 'unknown'}", f"{steps} training steps" if steps else ""]
    parts += [f"training {seconds:.0f} s" if seconds else "", record.device or ""]
    return ", ".join(part for part in parts if part)


def _learned(data: RunData) -> str:
    start, seen = "from the recordings alone, without keypoints or labels,", ""
    if data.record.settings.get("posture") in ("both", "landmarks"):
        seen = " Landmarks as a network that was taught on rendered bodies sees them are "
        seen += "part of the postures." if data.record.settings["posture"] == "both" else "the postures."
    if data.record.options.get("model"):
        return (
            "Representations of posture and behaviour came from a model that was trained on other recordings, without "
            f"labels, and were not adapted to these.{seen}"
        )
    if data.record.settings.get("posture") == "landmarks":
        return seen.strip()
    if data.record.settings.get("networks") == "pretrained":
        start = "by adapting an encoder that was pre-trained on pictures of random artificial bodies to the recordings,"
    return (
        f"Representations of posture and behaviour were learned {start} by contrasting moments within a recording and "
        f"by telling true from permuted frame order (Brattoli et al. 2021).{seen}"
    )


def _compared(data: RunData) -> str:
    if data.reference:
        whom = f"the reference group '{data.reference}', reference subjects with the others of their group"
        others = "reference"
    else:
        whom, others = "all other subjects", "other"
    looks = (
        ", and of what imagined changes of clothes, fur, walls, light and build do to the postures"
        if data.statistics.looks
        else ""
    )
    return (
        f"Each subject was compared with {whom}. Deviation is the distance from the matching movement of the {others} "
        f"subjects in units of the variation between them (covariance shrunk after Chen et al. 2010){looks}, the root "
        "mean square over the moments of a subject with the highest tenth capped; its 95 % interval comes from a "
        f"bootstrap over {others} subjects, recordings and blocks of windows (Student's t on the logarithm). The "
        "p-value of a single subject is conformal (jackknife+, Barber "
        f"et al. 2021): the share of {others} subjects at least as deviant, itself counted."
    )


def _tested(data: RunData) -> str:
    done = [test for test in data.statistics.tests if test.p is not None]
    names = _named(done)
    corrections = dict.fromkeys(test.correction or "" for test in done)
    named = [name for name in corrections if name and name != NOT_CORRECTED]
    effects = list(dict.fromkeys(effect.name for test in done for effect in test.effects or []))
    unit = listed(list(dict.fromkeys(test.unit for test in done)))
    words = f"Tests: {'; '.join(names)}; two-sided, the unit is the {unit}." if names else ""
    words += f" Effect sizes: {listed(effects)}, with 95 % bootstrap intervals over subjects." if effects else ""
    words += f" Several tests were corrected by {listed(named)}." if named else ""
    if data.statistics.audit is not None and data.statistics.audit.comparisons:
        words += (
            " Whether background, light, size, place in the picture, camera, frame rate or length of the recordings "
            "separates the groups was tested with the same unit, corrected by the max-statistic."
        )
    return words.strip()


def _named(tests: list[Test]) -> list[str]:
    """The names of tests, each once, with the numbers of their arrangements."""
    counts: dict[str, dict[str, None]] = {}
    for test in tests:
        count = test.arrangements
        how = f"{'all ' if test.exact else ''}{count:,}" if count else ""
        counts.setdefault(test.name or "test", {})[how] = None
    words = {name: listed([how for how in found if how]) for name, found in counts.items()}
    return [f"{name} ({found} arrangements)" if found else name for name, found in words.items()]


def _or_unknown(value: object) -> str:
    return "unknown" if value is None else str(value)


def _setting(settings: Mapping[str, object], *names: str) -> object:
    for values in (settings, *(value for value in settings.values() if isinstance(value, Mapping))):
        for name in names:
            if values.get(name) is not None:
                return values[name]
    return None


def citations(data: RunData) -> list[str]:
    """Whom to cite for what this run used, the method itself first."""
    return [SOURCES[name] for name in dict.fromkeys(_used(data)) if name in SOURCES]


def _used(data: RunData) -> Iterator[str]:
    yield from ("uBAM", "jackknife", "shrinkage")
    said = " ".join(value for test in data.statistics.tests for value in _said(test))
    audit = data.statistics.audit
    for name in ("Benjamini", "max-statistic", "cluster mass", "Cliff", "Hedges"):
        if name.casefold() in said.casefold() or (name == "max-statistic" and audit and audit.comparisons):
            yield name
    if data.files.motifs_json.is_file():
        yield "prediction strength"
    if audit is not None and audit.identity is not None and audit.identity.accuracy:
        yield "linear discriminant"


def _said(test: Test) -> Iterator[str]:
    yield from (test.correction or "", test.name)
    yield from (effect.name for effect in test.effects or [])


def facts(data: RunData) -> list[tuple[str, str]]:
    """Label and value of what a methods section asks for."""
    record, windows = data.record, sum(score.n_windows for score in data.by_recording.values())
    times = [f"{name} {seconds_text(stage.seconds)}" for name, stage in record.stages.items()]
    usable = [row for row in data.recordings if row.get("status") != "failed"]
    frames = sum(int(number(row.get("frames_decoded")) or 0) for row in usable)
    rows = [
        ("Program", f"ubam {record.ubam or 'unknown'}"),
        ("Study", record.study),
        ("Subjects", ", ".join(f"{g}: {sum(s.group == g for s in data.subjects)}" for g in data.groups)),
        ("Recordings", f"{len(usable)} used, {len(data.recordings) - len(usable)} failed"),
        ("Frames, windows", f"{frames:,} frames, {windows:,} windows"),
        ("Reference group", data.reference or "none: each subject against all others"),
        ("Taken for", data.statistics.design and data.statistics.design.words),
        ("Preset, seed, device", ", ".join(map(_or_unknown, (record.preset, record.seed, record.device)))),
        ("Magnification factors", ", ".join(map(str, record.factors))),
        ("Time of the stages", ", ".join(time for time in times if not time.endswith(" "))),
        ("Settings", settings_text(record.settings)),
        ("Versions", settings_text(record.versions)),
    ]
    return [(label, str(value)) for label, value in rows if value]


def settings_text(settings: Mapping[str, object]) -> str:
    """Settings as 'name value, name value', one level of nesting flattened."""
    flat = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat += [f"{name}.{inner} {item}" for inner, item in value.items()]
        elif isinstance(value, (list, tuple)):
            flat.append(f"{name} {' '.join(str(item) for item in value)}")
        elif value is not None:
            flat.append(f"{name} {value}")
    return ", ".join(flat)
