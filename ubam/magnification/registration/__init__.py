"""A moment of one subject and the same moment of reference subjects come in.

The displacement of every pixel from one to the other goes out, and the factor that a rendered picture shows.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = [
    "Field",
    "MeasuredFactor",
    "RegistrationNetwork",
    "RenderedView",
    "fields",
    "load_registration_network",
    "registered",
]

if TYPE_CHECKING:
    from ubam.magnification.registration.measured_factor import MeasuredFactor, RenderedView
    from ubam.magnification.registration.network import RegistrationNetwork, load_registration_network
    from ubam.magnification.registration.register import Field, fields, registered
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Field="register",
        MeasuredFactor="measured_factor",
        RegistrationNetwork="network",
        RenderedView="measured_factor",
        fields="register",
        load_registration_network="network",
        registered="register",
    )
