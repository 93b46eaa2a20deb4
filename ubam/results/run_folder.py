"""Every path inside a run folder, named here and nowhere else; light to import, as the web service reads it, too."""

from dataclasses import dataclass
from pathlib import Path

CROPS = "crops"  # the one folder of a run that can be made again from the videos
LAYERS = "layers"  # for the page alone, which shows any factor with them
LOCK = ".lock"


@dataclass(frozen=True)
class CropFolder:
    """The files of one recording's crop store."""

    path: Path

    @property
    def description(self) -> Path:
        """What the store holds; written last, so that a store with it is whole."""
        return self.path / "store.json"

    @property
    def pictures(self) -> Path:
        """The crops as JPEG pictures, one after the other."""
        return self.path / "crops.bin"

    @property
    def body(self) -> Path:
        """Which plan of body the landmarks and places are of; written after them."""
        return self.path / "body.json"

    @property
    def registered(self) -> Path:
        """How the frames of its clips were registered with those of references; clips make it, and make it again."""
        return self.path / "registered.npz"

    def array(self, name: str) -> Path:
        """One array with an entry for each frame: `time_s`, `box`, `offsets`, `views` and others."""
        return self.path / f"{name}.npy"

    def picture(self, name: str) -> Path:
        """A picture of the empty scene: `background` or `noise`."""
        return self.path / f"{name}.png"


@dataclass(frozen=True)
class ModelFolder:
    """The files of a model: of a run, or a folder of its own that another run is given."""

    path: Path

    @property
    def description(self) -> Path:
        """The kinds and settings of the networks; written after their weights."""
        return self.path / "model.json"

    def weights(self, network: str) -> Path:
        """The weights of `posture`, `behaviour` or `generator`."""
        return self.path / f"{network}.safetensors"

    @property
    def history(self) -> Path:
        """The losses and accuracies of the training."""
        return self.path / "history.json"

    @property
    def checkpoint(self) -> Path:
        """The state from which an interrupted training of the encoder continues."""
        return self.path / "training.safetensors"

    @property
    def generator_checkpoint(self) -> Path:
        """The state from which an interrupted training of the generator continues."""
        return self.path / "generator-training.safetensors"

    @property
    def keypoints(self) -> Path:
        """How keypoints became a part of the posture; absent where none were used."""
        return self.path / "keypoints.json"

    @property
    def landmarks(self) -> Path:
        """How landmarks became postures; absent where none were used."""
        return self.path / "landmarks.json"

    @property
    def reference(self) -> "ReferenceFolder":
        """The frozen reference beside the networks."""
        return ReferenceFolder(self.path / "reference")


@dataclass(frozen=True)
class ReferenceFolder:
    """The files of a frozen reference, by which new subjects are scored later."""

    path: Path

    @property
    def description(self) -> Path:
        """The group of the reference, and the hash of all that decides a score; written last."""
        return self.path / "reference.json"

    def arrays(self, name: str) -> Path:
        """`postures`, `units` (directions and normal variation) or `capture` (light, places and cameras)."""
        return self.path / f"{name}.npz"

    @property
    def model(self) -> ModelFolder:
        """The networks that made the postures of the reference."""
        return ModelFolder(self.path.parent)


@dataclass(frozen=True)
class RunFolder:
    """The files of one run; docs/formats.md says what each holds."""

    path: Path

    @property
    def run_json(self) -> Path:
        """What the run was asked to do, and the state of its stages."""
        return self.path / "run.json"

    @property
    def lock(self) -> Path:
        """Held by the process that works on the run."""
        return self.path / LOCK

    @property
    def recordings_csv(self) -> Path:
        """The rows of the study, each with its verdict."""
        return self.path / "recordings.csv"

    @property
    def model(self) -> ModelFolder:
        """The networks, and beside them the frozen reference."""
        return ModelFolder(self.path / "model")

    @property
    def crops_folder(self) -> Path:
        """The folder of all crop stores."""
        return self.path / CROPS

    def crops(self, recording_id: str) -> CropFolder:
        """The crop store of one recording."""
        return CropFolder(self.crops_folder / recording_id)

    def embedding(self, recording_id: str) -> Path:
        """Postures and behaviours of one recording."""
        return self.path / "embeddings" / f"{recording_id}.npz"

    def learnt(self, recording_id: str) -> Path:
        """What the networks made of one recording, until all of them are embedded."""
        return self.path / "embeddings" / f"{recording_id}.learnt.npz"

    def scores(self, table: str) -> Path:
        """A table of deviations: `windows`, `recordings`, `subjects`, `sessions` or `distances`."""
        return self.path / "deviation" / f"{table}.csv"

    @property
    def statistics_json(self) -> Path:
        """Every test, and what the confound audit found."""
        return self.path / "statistics.json"

    @property
    def motifs_json(self) -> Path:
        """How many motifs there are, what they are, and examples."""
        return self.path / "motifs" / "motifs.json"

    def motifs(self, table: str) -> Path:
        """A table of motifs: `windows` or `usage`."""
        return self.path / "motifs" / f"{table}.csv"

    @property
    def maps(self) -> Path:
        """The two-dimensional maps of postures and behaviours."""
        return self.path / "maps.npz"

    def evidence(self, recording_id: str) -> Path:
        """The peaks of one recording with the nearest reference pictures and maps of the body."""
        return self.path / "evidence" / f"{recording_id}.npz"

    def all_evidence(self) -> list[Path]:
        """The evidence of every recording that has some, by name."""
        return sorted((self.path / "evidence").glob("[!.]*.npz"))

    def preview(self, recording_id: str) -> Path:
        """The small clip of one recording as it was analysed."""
        return self.path / "preview" / f"{recording_id}.mp4"

    def clip(self, recording_id: str, factor: float | None = None) -> Path:
        """The magnified clip of one recording, by the run's first factor, or by the further one that is named."""
        return self.path / "magnified" / f"{_clip_name(recording_id, factor)}.mp4"

    def clip_facts(self, recording_id: str, factor: float | None = None) -> Path:
        """What was measured on that clip."""
        return self.clip(recording_id, factor).with_suffix(".json")

    def layers(self, recording_id: str) -> Path:
        """The layers of that clip; beside them, as .json, the displacements by which the subject is moved."""
        return self.path / LAYERS / f"{recording_id}.mp4"

    def all_clip_facts(self) -> list[Path]:
        """What was measured on every clip of the run, by name."""
        return sorted((self.path / "magnified").glob("[!.]*.json"))

    def figure(self, name: str) -> Path:
        """A figure without its ending: it is written as .png and as .svg."""
        return self.path / "figures" / name

    def all_figures(self) -> list[Path]:
        """Every picture of a figure, by name."""
        return sorted(path for path in (self.path / "figures").glob("[!.]*") if path.suffix in (".png", ".svg"))

    @property
    def report(self) -> Path:
        """The report, one page."""
        return self.path / "report.html"

    def inside(self, path: Path) -> str:
        """`path` relative to the run folder, with forward slashes."""
        return path.relative_to(self.path).as_posix()


def _clip_name(recording_id: str, factor: float | None) -> str:
    return recording_id if factor is None else f"{recording_id}_x{factor:g}"
