"""The first pass over a film comes in.

What happens in it besides the subject goes out, with its times: the picture jumps, the light changes, something much
larger comes into view.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Choice", "Jumps", "choose_subject", "find_jumps", "light_changes", "steadied"]

if TYPE_CHECKING:
    from ubam.tracking.disturbances.intruders import steadied
    from ubam.tracking.disturbances.jumps import Jumps, find_jumps
    from ubam.tracking.disturbances.light import light_changes
    from ubam.tracking.disturbances.rivals import Choice, choose_subject
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Choice="rivals",
        Jumps="jumps",
        choose_subject="rivals",
        find_jumps="jumps",
        light_changes="light",
        steadied="intruders",
    )
