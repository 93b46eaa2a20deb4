"""Every command and code block of README.md and docs/*.md is carried out: what stands there works.

Commands that take long are carried out with small settings, or up to the long part, which a `slow` test does. A block
that is neither commands nor Python, nor among ILLUSTRATIONS, fails.
"""

import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.support.command_line import tiny_quick
from tests.support.run_folders import make_fake_run
from tests.webui.support.processes import Remote, running
from ubam.cli.main import cli
from ubam.core import settings
from ubam.core.files import read_csv, write_csv

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAM = re.compile(r"(\$ )?(\.venv/bin/)?(ubam|make|open|cp|docker) ")
ILLUSTRATIONS = {  # the beginnings of blocks that nobody types, and where they are compared with what comes out
    "study.csv -> Study -> Recording",  # the way of the data through the modules
    "video,subject,group,day,impairment,severity",  # test_the_tour...
    "40 visits of impaired subjects",  # test_the_tour...
    "$ sh deploy/slurm/one_node.sh",  # printed by a real Slurm, which the tests do not have
}
STANDS_FOR = {"ID": "human02", "A": "human01", "B": "human02", "GROUP": "impaired"}
SMALL = {  # what is appended where the command itself would take long
    "synthesise": ["--subjects", "2", "--seconds", "0.3"],
    "synthesise --recovery": ["--subjects", "7", "--seconds", "0.2"],
    "run": ["--dry-run"],
}
LONG = (  # where a benchmark begins to compute: its arguments have been read and checked by then
    "ubam.evaluation.benchmark.run.run_benchmark",
    "ubam.evaluation.benchmark.clips.run.run_clips",
    "ubam.evaluation.benchmark.clips.transfers.measure_transfers",
    "ubam.evaluation.benchmark.proofs.run_proofs",
    "ubam.evaluation.benchmark.readout.measure_readout",
    "ubam.evaluation.benchmark.speed.run.measure_speed",
    "ubam.evaluation.benchmark.eye.run.run_eye",
)
pytestmark = pytest.mark.usefixtures("plain_eye")


class LongPartError(Exception):
    """The long part of a command was begun."""


def blocks(document: Path) -> Iterator[tuple[str, list[str]]]:
    """The language ("" for an indented block) and the lines of every code block."""
    fence, language, held, before = False, "", list[str](), ""
    for line in [*document.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("```"):
            if fence:
                yield language, held
            fence, language, held = not fence, line[3:].strip() or "text", []
        elif fence or (line.startswith("    ") and (held or not before.strip())):
            held.append(line if fence else line[4:])
        elif held:
            yield "", held
            held = []
        before = line


def commands(lines: list[str]) -> list[str]:
    """The command lines of a block; where they stand behind `$ `, the others are what they print."""
    if lines[0].startswith("$ "):
        return [line[2:] for line in lines if line.startswith("$ ")]
    return lines


def words_of(line: str) -> list[str]:
    """A command line as the shell gives it to the program: comments gone, quotes and $(...) carried out."""
    shell = ["bash", "-c", f"printf '%s\\0' {line}"]
    words = subprocess.run(shell, capture_output=True, check=True, text=True).stdout.split("\0")[:-1]
    return [STANDS_FOR.get(word, word) for word in words]


def kind_of(language: str, lines: list[str]) -> str:
    """`python`, `commands` or `illustration`; any other block fails the test."""
    if language == "python":
        return "python"
    if not language and all(PROGRAM.match(f"{line} ") for line in commands(lines)):
        return "commands"
    known = any(lines[0].startswith(beginning) for beginning in ILLUSTRATIONS)
    assert known, f"nobody has said how this block is tested: {lines[0]!r}"
    return "illustration"


ALL = [(document, kind_of(*block), block[1]) for document in DOCUMENTS for block in blocks(document)]
LINES = {
    document: [
        line for where, kind, lines in ALL if kind == "commands" and where == document for line in commands(lines)
    ]
    for document in DOCUMENTS
}


def test_the_blocks_are_found() -> None:
    assert len(LINES[ROOT / "README.md"]) >= 15
    assert len(LINES[ROOT / "docs" / "benchmark.md"]) >= 8
    assert [document.name for document, kind, _ in ALL if kind == "python"] == ["api.md", "tour.md"]
    assert all(any(lines[0].startswith(begun) for *_, lines in ALL) for begun in ILLUSTRATIONS)


def test_a_block_of_an_unknown_kind_fails(tmp_path: Path) -> None:
    for text in (
        "```r\nlibrary(ubam)\n```\n",
        "```\nubam run\n```\n",
        "\n    pip install ubam\n",
        "\n    ubam x\n    y\n",
    ):
        (tmp_path / "new.md").write_text(f"# New\n{text}\nEnd.\n", encoding="utf-8")
        ((language, lines),) = blocks(tmp_path / "new.md")
        with pytest.raises(AssertionError, match="nobody has said"):
            kind_of(language, lines)


def run_files(text: str) -> list[str]:
    """The pattern of the first file in each row of the table of the run folder in formats.md."""
    rows = text.partition("## The run folder")[2].partition("\n## ")[0].splitlines()
    cells = [re.match(r"\| `([^`]+)`", row) for row in rows]
    return [cell[1].replace("ID", "*").rstrip("/") for cell in cells if cell is not None]


def test_the_table_of_the_run_folder_has_what_a_run_writes(run: Path) -> None:
    """Every row is there after a run but the table of sessions, of which this study has one each."""
    names = run_files((ROOT / "docs" / "formats.md").read_text(encoding="utf-8"))
    assert len(names) >= 18
    assert [name for name in names if not list(run.glob(name))] == ["deviation/sessions.csv"]


@pytest.fixture
def world(run: Path, study: Path, known_crops: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the reader of a document stands in: videos, a study, a finished run RUN, deploy/."""
    monkeypatch.chdir(tmp_path)
    rows = read_csv(study)
    for row in rows:
        row["video"] = str(study.parent / row["video"])
        folder = tmp_path / "my_videos" / row["group"]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(row["video"], folder)
    for name, some in (("study", rows), ("box", rows), ("new_study", rows[:1])):
        write_csv(tmp_path / f"{name}.csv", some, list(rows[0]))
    shutil.copytree(run, tmp_path / "RUN")
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    monkeypatch.setitem(STANDS_FOR, "STUDY", "study.csv")
    for name in LONG:
        monkeypatch.setattr(name, _reached)
    for name in ("serve", "work"):
        monkeypatch.setattr(f"webui.server.serve.{name}", _reached)
    with tiny_quick():
        yield tmp_path


def _reached(*given: object, **named: object) -> None:
    raise LongPartError


def ubam(words: list[str], **options: Any) -> None:
    """Carry a command out in this process; it must end well, or begin its long part."""
    result = CliRunner().invoke(cli, words, catch_exceptions=True, **options)
    wrong = result.exception is not None and not isinstance(result.exception, (SystemExit, LongPartError))
    assert not wrong, (words, result.exception, result.output)
    allowed = (0, 2) if words[0] == "doctor" else (0,)  # 2: something is missing on this machine
    assert isinstance(result.exception, LongPartError) or result.exit_code in allowed, (words, result.output)


def do(line: str, small: bool = True) -> None:
    """Carry out one line of a block."""
    program, *words = words_of(line)
    DOERS[Path(program).name](words, small)


def _ubam(words: list[str], small: bool) -> None:
    if small and words[0] in SMALL:
        words = [*words, *SMALL["synthesise --recovery" if "--recovery" in words else words[0]]]
    ubam(words, input="correct horse battery\ncorrect horse battery\n" if words[0] == "user" else None)


def _make(words: list[str], small: bool) -> None:
    subprocess.run(["make", "-n", "-C", str(ROOT), *words], check=True, capture_output=True)


def _open(words: list[str], small: bool) -> None:
    """The file is one that the run before writes."""
    folder, name = Path(words[0]).parts
    assert small or Path(words[0]).is_file()
    assert name == "report.html"
    assert any(f"--out {folder} " in line for line in LINES[ROOT / "README.md"])


def _copy(words: list[str], small: bool) -> None:
    subprocess.run(["cp", *words], check=True)


def _docker(words: list[str], small: bool) -> None:
    """The compose file is there and has the service; what the service is told is a command of ubam."""
    assert words[:2] == ["compose", "-f"]
    described = Path(words[2]).read_text(encoding="utf-8")
    if words[3] == "exec":
        service, program, *rest = words[4:]
        assert f"\n  {service}:\n" in described
        assert program == "ubam"
        _ubam([*rest, "--data", "data-of-the-container"], small)
    for scaled in re.findall(r"--scale (\w+)=", " ".join(words)):
        assert f"\n  {scaled}:\n" in described


DOERS: dict[str, Callable[[list[str], bool], None]] = {
    "ubam": _ubam, "make": _make, "open": _open, "cp": _copy, "docker": _docker,
}  # fmt: skip


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if LINES[d] and d.name != "tour.md"], ids=lambda d: d.name)
def test_every_command_of_a_document_works(document: Path, world: Path) -> None:
    for line in LINES[document]:
        do(line)


def spans() -> list[tuple[str, list[str]]]:
    """Every command in the running text: the document, and its words."""
    found = [
        (document.name, span.split())
        for document in DOCUMENTS
        for span in re.findall(r"`(ubam [^`]+|python -m [^`]+)`", document.read_text(encoding="utf-8"))
    ]
    return [(name, words) for name, words in found if words[1][0].isalpha() or words[0] == "python"]


@pytest.mark.parametrize(
    ("document", "words"), spans(), ids=lambda part: " ".join(part) if isinstance(part, list) else str(part)
)
def test_a_command_in_the_text_has_the_options_that_it_names(document: str, words: list[str]) -> None:
    if words[:2] == ["python", "-m"]:
        assert (ROOT / f"{words[2].replace('.', '/')}.py").is_file(), words
        return
    command: click.Command | None = cli.commands.get(words[1])
    if command is None:
        assert words == ["ubam,", "gain", "1"], f"{document}: there is no {' '.join(words)}"
        return
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options | {"--help"}


def test_the_tour_is_what_comes_out(world: Path) -> None:
    shutil.copytree(world / "RUN", world / "recovery-run")
    for line in LINES[ROOT / "docs" / "tour.md"]:
        do(line)
    rows = read_csv(world / "recovery" / "study.csv")
    sessions = [{**row, "deviation": 1 + float(row["severity"])} for row in rows]
    write_csv(world / "recovery-run" / "deviation" / "sessions.csv", sessions, ["subject", "group", "day", "deviation"])
    _compare_tour(rows)


def _compare_tour(rows: list[dict[str, str]]) -> None:
    """The table of the tour has the columns of the rendered one, and its Python prints what stands below it."""
    pictured = {lines[0]: lines for where, kind, lines in ALL if where.name == "tour.md" and kind == "illustration"}
    header = next(first for first in pictured if first.startswith("video,"))
    assert header == ",".join(rows[0])
    ((_, _, code),) = [block for block in ALL if block[0].name == "tour.md" and block[1] == "python"]
    with redirect_stdout(io.StringIO()) as said:
        exec(compile("\n".join(code), "docs/tour.md", "exec"), {})
    printed, shown = said.getvalue().splitlines(), next(v for k, v in pictured.items() if k.startswith("40 visits"))
    assert _shape(printed[0]) == _shape(shown[0])
    assert {_shape(line) for line in printed[1:]} == {_shape(line) for line in shown[1:]}


def _shape(line: str) -> str:
    return re.sub(r"-?\d+(\.\d+)?", "#", line)


def test_the_client_of_the_api_prints_the_subjects_or_what_is_missing(study: Path, tmp_path: Path) -> None:
    """Against the real server, whose runs find what lies ready; it ends where no folder says the group, too."""
    ready = make_fake_run(tmp_path / "ready", reference_subjects=4, query_subjects=2, frames=60, videos=False)
    folder, flat = tmp_path / "day14", tmp_path / "flat"
    flat.mkdir()
    for row in read_csv(study):
        group = folder / ("sham" if row["group"] == "healthy" else "lesion")
        group.mkdir(parents=True, exist_ok=True)
        shutil.copy(study.parent / row["video"], group)
        shutil.copy(study.parent / row["video"], flat)
    order: dict[str, Any] = {"do": "serve", "data": str(tmp_path / "data"), "folders": [str(tmp_path)]}
    order |= {"runner": "tests.webui.support.page_runner", "environment": {"UBAM_TEST_RUN": str(ready)}}
    ((_, _, code),) = [block for block in ALL if block[0].name == "api.md" and block[1] == "python"]
    with running(**order) as process:
        token = Remote(process).json("POST", "tokens", json={"name": "script"})["token"]
        text = "\n".join(code).replace("ubam_...", token).replace("http://127.0.0.1:8000", process.address)
        text = text.replace("time.sleep(10)", "time.sleep(0.2)")
        with redirect_stdout(io.StringIO()) as said:
            exec(compile(text.replace("/media/videos/day14", str(folder)), "docs/api.md", "exec"), {})
        with pytest.raises(SystemExit, match="fill in the group"):
            exec(compile(text.replace("/media/videos/day14", str(flat)), "docs/api.md", "exec"), {})
    assert [line.split()[0] for line in said.getvalue().splitlines()] == [
        row["subject"] for row in read_csv(ready / "deviation" / "subjects.csv")
    ]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_runs_of_the_documents_come_to_their_end(
    study: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With small settings for each preset, and the tour with fewer and shorter recordings."""
    monkeypatch.chdir(tmp_path)
    with tiny_quick():
        tiny = settings.PRESETS["quick"]
        for name in ("standard", "thorough"):
            monkeypatch.setitem(settings.PRESETS, name, replace(tiny, preset=name))
        for row in read_csv(study):
            folder = tmp_path / "my_videos" / row["group"]
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(study.parent / row["video"], folder)
        shutil.copytree(run, tmp_path / "RUN")
        monkeypatch.setitem(STANDS_FOR, "STUDY", str(study))
        for document in ("README.md", "docs/tour.md"):
            for line in LINES[ROOT / document]:
                program, *words = words_of(line)
                if program.endswith("ubam") and words[0] in ("init", "run", "export", "synthesise"):
                    do(line, small=words[0] == "synthesise")
        _compare_tour(read_csv(tmp_path / "recovery" / "study.csv"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_small_benchmark_of_the_documents_comes_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = next(line for line in LINES[ROOT / "docs" / "benchmark.md"] if "--out null" in line)
    do(line.replace("seq 101 120", "seq 101 101").replace("--subjects 12", "--subjects 6"))
    assert (tmp_path / "null" / "benchmark.csv").is_file()
