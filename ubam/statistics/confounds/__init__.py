"""Properties of the recordings that are not behaviour come in: light, camera, scene, size.

Which of them separates the groups goes out, and how closely the deviation follows each.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["RecordingProperties", "audit_new", "audit_study", "follow", "identity_leak"]

if TYPE_CHECKING:
    from ubam.statistics.confounds.audit import audit_study
    from ubam.statistics.confounds.correlates import follow, identity_leak
    from ubam.statistics.confounds.new_subjects import audit_new
    from ubam.statistics.confounds.recording_properties import RecordingProperties
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        RecordingProperties="recording_properties",
        audit_new="new_subjects",
        audit_study="audit",
        follow="correlates",
        identity_leak="correlates",
    )
