"""Rendered studies with known truth come in.

Measures of postures, deviations, statistics and speed go out, beside those of the controls.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["benchmark_rows", "measure_readout", "measure_speed", "run_benchmark", "run_proofs", "write_results"]

if TYPE_CHECKING:
    from ubam.evaluation.benchmark.proofs import run_proofs
    from ubam.evaluation.benchmark.readout import measure_readout
    from ubam.evaluation.benchmark.rows import benchmark_rows
    from ubam.evaluation.benchmark.run import run_benchmark
    from ubam.evaluation.benchmark.speed import measure_speed
    from ubam.evaluation.benchmark.table import write_results
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        benchmark_rows="rows",
        measure_readout="readout",
        measure_speed="speed",
        run_benchmark="run",
        run_proofs="proofs",
        write_results="table",
    )
