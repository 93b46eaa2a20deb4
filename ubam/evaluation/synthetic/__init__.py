"""A seed, a body and a gait come in.

Videos of walkers and rats go out with the truth of every frame, and whole studies of them.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["World", "make_subject", "render_recording", "synthesise_recovery", "synthesise_study"]

if TYPE_CHECKING:
    from ubam.evaluation.synthetic.embeddings import World
    from ubam.evaluation.synthetic.recording import make_subject, render_recording
    from ubam.evaluation.synthetic.recovery_study import synthesise_recovery
    from ubam.evaluation.synthetic.study import synthesise_study
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        World="embeddings",
        make_subject="recording",
        render_recording="recording",
        synthesise_recovery="recovery_study",
        synthesise_study="study",
    )
