"""A finished run folder comes in.

What the pages show of it goes out, with no path of the server in it.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["clips_of", "cut_text", "recordings_json", "result_words", "windows_of"]

if TYPE_CHECKING:
    from webui.results.path_redaction import cut_text
    from webui.results.reader import clips_of, recordings_json, windows_of
    from webui.results.sentences import result_words
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        clips_of="reader",
        cut_text="path_redaction",
        recordings_json="reader",
        result_words="sentences",
        windows_of="reader",
    )
