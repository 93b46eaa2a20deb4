"""Rendered recordings with known truth and published methods come in.

Tables go out that compare ubam with them.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["faithful_scores", "run_benchmark", "run_clips", "run_eye", "run_proofs", "synthesise_study"]

if TYPE_CHECKING:
    from ubam.evaluation.benchmark.clips.run import run_clips
    from ubam.evaluation.benchmark.eye.run import run_eye
    from ubam.evaluation.benchmark.proofs import run_proofs
    from ubam.evaluation.benchmark.run import run_benchmark
    from ubam.evaluation.published.method import faithful_scores
    from ubam.evaluation.synthetic.study import synthesise_study
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        faithful_scores="published.method",
        run_benchmark="benchmark.run",
        run_clips="benchmark.clips.run",
        run_eye="benchmark.eye.run",
        run_proofs="benchmark.proofs",
        synthesise_study="synthetic.study",
    )
