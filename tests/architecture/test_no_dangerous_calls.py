"""Nothing that is read can run code: no pickle, no `eval`, no shell, no archive that unpacks itself anywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.source_tree import PROGRAMS, ROOT, files, tree

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle", "telnetlib"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "extractall", "unpack_archive"}
# One unpickler knows no class and no function: a file of pandas holds names of columns in that form. A call for a
# worker of a cluster is packed before Dask does the same with it; workers and scheduler are trusted, as Dask asks.
ALLOWED = {("ubam/recordings/keypoint_files.py", "pickle"), ("ubam/core/cluster.py", "pickle")}
NUMPY_READS = {"np.load", "numpy.load"}


def dangers(path: Path) -> Iterator[str]:
    """What a file imports or calls that may run what it reads."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name in CALLS or name.split(".")[-1] in ("extractall", "unpack_archive"):
        yield name
    if any(word.arg == "shell" and not _is(word.value, False) for word in node.keywords):
        yield f"{name} with a shell"
    if name in NUMPY_READS and any(word.arg == "allow_pickle" and not _is(word.value, False) for word in node.keywords):
        yield f"{name} with pickles"
    if name == "torch.load" and not any(word.arg == "weights_only" and _is(word.value, True) for word in node.keywords):
        yield "torch.load of more than weights"


def _is(node: ast.expr, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_no_program_can_run_what_it_reads() -> None:
    found = {(path.relative_to(ROOT).as_posix(), what) for path in files(*PROGRAMS) for what in dangers(path)}
    assert found == ALLOWED


def test_a_danger_is_found(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("import pickle\nrun(x, shell=True)\nnp.load(x, allow_pickle=True)\neval(x)\ntorch.load(x)\n")
    assert len(list(dangers(source))) == 5
