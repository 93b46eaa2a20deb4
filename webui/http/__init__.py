"""What all requests and answers have in common: values from outside come in.

Checked values, safe headers and answers that may be asked for in parts go out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Error", "ResultsOut", "answers", "configure", "install", "send_picture", "send_text", "send_whole"]

if TYPE_CHECKING:
    from webui.http.answer_schemas import ResultsOut
    from webui.http.responses import send_picture, send_text, send_whole
    from webui.http.schemas import Error, answers
    from webui.http.security import configure, install
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Error="schemas",
        ResultsOut="answer_schemas",
        answers="schemas",
        configure="security",
        install="security",
        send_picture="responses",
        send_text="responses",
        send_whole="responses",
    )
