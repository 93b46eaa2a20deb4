"""A plan: a study and the settings to analyse it with, checked before anything is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from ubam.core.errors import ModelError
from ubam.core.provenance import key_of
from ubam.core.settings import Settings, check_factors, preset
from ubam.core.storage import Mirror
from ubam.deviation.frozen_reference import find_reference
from ubam.encoding.saved_model import read_settings
from ubam.pipeline.job import Job, Progress, no_progress, row_of
from ubam.recordings.study_table import Study, choose_reference, read_study
from ubam.results.records.run import RunOptions
from ubam.results.run_folder import ModelFolder, RunFolder
from ubam.results.run_record import RunRecord
from ubam.statistics.blocks import find_blocks


@dataclass(frozen=True)
class Plan:
    """A study and the settings to analyse it with, checked, before anything is written."""

    study: Study
    settings: Settings
    options: RunOptions
    choice_of_reference: str

    def start(self, out: Path, progress: Progress) -> Job:
        """Start or continue the run in the folder `out`; RunError when it belongs to another study."""
        run = RunRecord.start(out, self.study.path, self._study_key())
        record, settings = run.record, self.settings
        record["options"], record["settings"], record["factors"] = self.options, settings.as_dict(), [*settings.factors]
        record["preset"], record["seed"] = settings.preset, settings.seed
        record["reference"], record["device"] = settings.reference, settings.device
        run.save()
        return self._job(run, progress)

    def dry(self, out: Path, progress: Progress = no_progress) -> Job:
        """The job without touching its record, to see what it would do or to read what it did."""
        run = RunRecord.open(out) if RunFolder(out).run_json.exists() else RunRecord(out, {"stages": {}})
        return self._job(run, progress)

    def _job(self, run: RunRecord, progress: Progress) -> Job:
        model = self.options.get("model")
        against = self.options.get("against")
        return Job(
            run, self.study, self.settings, Path(model) if model else None, self.options.get("scheduler"), progress,
            Path(against) if against else None, Mirror.of(run.folder),
        )  # fmt: skip

    def _study_key(self) -> str:
        return key_of([row_of(recording) for recording in self.study.recordings])


def plan_run(study: Path, options: RunOptions, ask: Callable[[list[str]], str | None]) -> Plan:
    """Read the study and settle the settings; StudyError or UbamError before anything is written.

    `ask` is called with the groups when several are there and none of them is named like a reference.
    """
    check_factors(options.get("factors") or ())
    table = read_study(study)
    reference, words = _settle_reference(table, options.get("reference"), ask)
    find_blocks(table.recordings, options.get("block"))
    model = options.get("model")
    if model and not ModelFolder(Path(model)).description.exists():
        raise ModelError(f"{model} holds no trained model (model.json is missing); --model takes the folder RUN/model.")
    asked: Mapping[str, Any] = options
    changes = {name: asked[name] for name in ("device", "seed", "workers", "block") if name in asked}
    changes |= {"factors": tuple(asked["factors"])} if asked.get("factors") else {}
    changes |= _kind_of_posture(options)
    settings = preset(options.get("preset", "standard"), reference=reference, **changes)
    kept = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    return Plan(table, settings, cast(RunOptions, kept | {"reference": reference or "none"}), words)


def _kind_of_posture(options: RunOptions) -> dict[str, str]:
    """Kind of posture and plan of body as asked for, else those of the model that is used; nothing without either."""
    asked = {name: str(value) for name in ("posture", "plan") if (value := cast(Any, options).get(name))}
    if model := options.get("model"):
        known = read_settings(Path(model))
        theirs = {"posture": known.get("posture", "learned"), "plan": known.get("plan")}
        return {name: str(value) for name, value in theirs.items() if value} | asked
    return asked


def plan_scoring(study: Path, against: Path, options: RunOptions) -> Plan:
    """A plan that scores `study` by the frozen reference `against`, with its networks and their settings.

    options: device and workers. StudyError or ModelError before anything is written.
    """
    frozen, table = find_reference(against), read_study(study, compared=False)
    if frozen.settings.get("outlines") != Settings().outlines:
        raise ModelError(
            f"{frozen.folder} was frozen by a version that draws other outlines, so new recordings cannot be compared "
            "with it; run its study again with this version."
        )
    known = {field.name for field in fields(Settings)} - {"device", "workers", "reference", "block"}
    values = {name: value for name, value in frozen.settings.items() if name in known}
    values.setdefault("posture", "learned")  # of a reference from before there were other kinds
    values |= {"factors": tuple(values.get("factors", (2.0,))), "seed": frozen.seed}
    given: Mapping[str, Any] = options
    values |= {name: given[name] for name in ("device", "workers") if name in given}
    kept: RunOptions = {"model": str(frozen.model_folder), "against": str(frozen.folder), "reference": "none"}
    words = (
        f"Against {frozen.n_subjects} {frozen.group} subjects frozen in {frozen.folder} (version {frozen.hash}); "
        "nothing is trained."
    )
    return Plan(table, Settings(**values), cast(RunOptions, {**options, **kept}), words)


def plan_again(
    run: Path, ask: Callable[[list[str]], str | None], changes: RunOptions, study: Path | None = None
) -> Plan:
    """The plan with which the run in the folder `run` was started, with some of its options changed.

    study: where its table is now, if not where it was. RunError when there is no run; otherwise as `plan_run`.
    """
    record = RunRecord.open(run).record
    options: RunOptions = {**record.get("options", {}), **changes}
    return plan_run(study or Path(record["study"]), options, ask)


def _settle_reference(
    study: Study, asked: str | None, ask: Callable[[list[str]], str | None]
) -> tuple[str | None, str]:
    if asked == "none":
        return None, "No reference: every subject is scored against all others."
    reference = choose_reference(study, asked)
    if reference is not None:
        how = "" if asked else " (by its name; --reference chooses another)"
        return reference, f"Reference group: {reference}{how}."
    answer = ask(list(study.groups)) if len(study.groups) > 1 else None
    if answer is not None:
        return answer, f"Reference group: {answer}."
    return (
        None,
        "No reference group: every subject is scored against all others (--reference GROUP chooses one).",
    )
