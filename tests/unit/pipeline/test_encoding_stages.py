"""What a run says of its training: how many steps it took, and why no more."""

import re
from dataclasses import replace

import pytest

from ubam.core.settings import PRESETS
from ubam.pipeline.encoding_stages import describe_training

STANDARD = PRESETS["standard"]


@pytest.mark.parametrize(
    ("steps", "held_out", "words"),
    [
        (2300, ["a", "b"], "ended after 2,300 of at most 6,000 steps: on held-out subjects, the loss no longer fell"),
        (6000, ["a", "b"], "All 6,000 training steps were taken: on held-out subjects, the loss fell until the end"),
        (6000, [], "All 6,000 training steps were taken; .* held out where there are 12"),
    ],
)
def test_a_training_says_how_many_steps_it_took_and_why(steps: int, held_out: list[str], words: str) -> None:
    said = describe_training({"contrast": [1.0] * steps, "held_out": [1.0]}, STANDARD, held_out)
    assert (said["steps"], said["most"], said["held_out"]) == (steps, 6000, held_out)
    assert re.search(words, said["why"])


def test_a_training_that_is_never_watched_does_not_ask_for_more_subjects() -> None:
    said = describe_training({"contrast": [1.0] * 60}, PRESETS["quick"], [])
    assert said["why"] == "All 60 training steps were taken."
    short = replace(STANDARD, train_steps=300)
    assert describe_training({"contrast": [1.0] * 300}, short, [])["why"] == "All 300 training steps were taken."
