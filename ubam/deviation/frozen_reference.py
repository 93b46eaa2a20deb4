"""A frozen reference: which networks and settings made it, and whether new recordings can be scored by it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ubam.core.errors import ModelError
from ubam.core.files import content_hash
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.reference_model import ReferenceModel
from ubam.results.records.study import AgainstReference
from ubam.results.run_folder import ModelFolder, ReferenceFolder, RunFolder

VIEWS = ("view_size", "crop_size")  # settings of the model that decide what its networks are shown


@dataclass(frozen=True)
class Frozen:
    """What reference.json says of a frozen reference, and the networks beside it."""

    folder: Path
    hash: str
    model: str
    ubam: str
    seed: int
    group: str
    n_subjects: int
    usual: Mapping[str, list[float]]
    settings: Mapping[str, Any]

    @property
    def model_folder(self) -> Path:
        """The networks that made the postures of the reference."""
        return ReferenceFolder(self.folder).model.path

    def facts(self) -> AgainstReference:
        """What statistics.json says of it."""
        usual = dict(self.usual)
        return AgainstReference(str(self.folder), self.ubam, self.hash, self.model, self.group, self.n_subjects, usual)


def find_reference(path: Path) -> Frozen:
    """The frozen reference at `path`: RUN/model/reference, or the run or model folder that holds it.

    Raises
    ------
    ModelError
        There is none, it is damaged or of another version, or its networks are missing.
    """
    path = Path(path)
    places = (ReferenceFolder(path), ModelFolder(path).reference, RunFolder(path).model.reference)
    place = next((place for place in places if place.description.is_file()), None)
    if place is None:
        raise ModelError(f"{path} holds no frozen reference; name RUN/model/reference of a run that was scored.")
    facts, folder = _read(place.description), place.path
    model = place.model.description
    if not model.is_file():
        raise ModelError(f"{folder}: the networks are missing beside it; copy the whole folder RUN/model.")
    try:
        return Frozen(
            folder, facts["hash"], facts["model"], facts["ubam"], facts["seed"], ", ".join(facts["groups"]),
            facts["n_subjects"], facts.get("usual", {}), _read(model)["settings"],
        )  # fmt: skip
    except KeyError as error:
        raise ModelError(f"{folder} was frozen by another version of ubam; score its run again") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is damaged; copy the folder RUN/model again.") from error
    return found


def fingerprint(model_folder: Path) -> str:
    """16 hexadecimal digits that stand for the networks of a model folder, what they are shown, and its keypoints."""
    model = ModelFolder(model_folder)
    described = _read(model.description)
    parts: list[Any] = [{name: described["settings"].get(name) for name in VIEWS}]
    for name in ("posture", "behaviour"):
        parts += [described["networks"][name], content_hash(model.weights(name))]
    parts.append(content_hash(model.keypoints) if model.keypoints.is_file() else None)
    if model.landmarks.is_file():  # a model from before there were landmarks keeps its fingerprint
        parts.append(content_hash(model.landmarks))
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def check_fit(frozen: Frozen, model: str, codes: Sequence[PostureSeries]) -> ReferenceModel:
    """The frozen reference, loaded, if recordings coded by networks with the fingerprint `model` can be scored by it.

    Raises
    ------
    ModelError
        Other networks made the reference, or it has keypoints and these recordings have none.
    """
    if model != frozen.model:
        raise ModelError(
            f"{frozen.folder} was frozen with other networks ({frozen.model}) than those that coded these recordings "
            f"({model}); keep the folders model/ and model/reference of one run together."
        )
    fitted = ReferenceModel.load(frozen.folder)
    expected = fitted.codes[0].posture.shape[1]
    wrong = next((code for code in codes if code.posture.shape[1] != expected), None)
    if wrong is not None:
        raise ModelError(
            f"{wrong.recording_id} has postures of {wrong.posture.shape[1]} numbers and the reference of {expected}; "
            "give keypoints for all recordings where the reference has them, and none where it has none."
        )
    return fitted
