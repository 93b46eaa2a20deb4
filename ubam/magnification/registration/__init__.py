"""A moment of one subject and the same moment of reference subjects come in.

The displacement of every pixel from one to the other goes out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Contour", "Field", "NormalParts", "Registration", "fields"]

if TYPE_CHECKING:
    from ubam.magnification.registration.contours import Contour
    from ubam.magnification.registration.normal_parts import NormalParts
    from ubam.magnification.registration.register import Field, Registration, fields
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Contour="contours",
        Field="register",
        NormalParts="normal_parts",
        Registration="register",
        fields="register",
    )
