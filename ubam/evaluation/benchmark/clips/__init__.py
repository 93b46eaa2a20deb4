"""Magnified clips and the renderer's own pictures of the true deviation come in.

How close the clips and the baselines are to the truth goes out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Clip", "choose_clip_rows", "clip_table", "run_clips", "write_clip_results"]

if TYPE_CHECKING:
    from ubam.evaluation.benchmark.clips.rows import Clip
    from ubam.evaluation.benchmark.clips.run import choose_clip_rows, run_clips
    from ubam.evaluation.benchmark.clips.table import clip_table, write_clip_results
else:
    __getattr__, __dir__ = lazy_names(
        __name__, Clip="rows", choose_clip_rows="run", clip_table="table", run_clips="run", write_clip_results="table"
    )
