"""The published method, repaired, takes the crops of a study.

Its scores and its synthesised pictures go out, to be compared with.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["SynthesisGenerator", "faithful_scores", "synthesised", "train_synthesis", "write_published"]

if TYPE_CHECKING:
    from ubam.evaluation.published.clip import write_published
    from ubam.evaluation.published.method import SynthesisGenerator, faithful_scores, synthesised, train_synthesis
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        SynthesisGenerator="method",
        faithful_scores="method",
        synthesised="method",
        train_synthesis="method",
        write_published="clip",
    )
