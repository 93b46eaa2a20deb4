"""Every figure is drawn for one subject and for sixty, whatever their names, and written as PNG and SVG."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ubam.core import plotting
from ubam.report.figures import study

NASTY = ["a$b$c", "<script>", "日本語", 'quo"te', "x" * 200, r"\frac{", "new\nline", ""]


def _names(count: int) -> list[str]:
    return [NASTY[number] if number < len(NASTY) else f"subject {number}" for number in range(count)]


def _groups(count: int) -> list[str]:
    return ["healthy" if number % 2 else f"group {number % 8}" for number in range(count)]


def _subjects(count: int) -> Figure:
    values = np.linspace(1, 3, count)
    values[0] = np.nan if count > 1 else 1.0
    return study.subjects_figure(_names(count), _groups(count), values, values - 0.2, values + 0.3, "healthy")


def _by_group(count: int) -> Figure:
    return study.groups_figure(_groups(count), np.linspace(1, 3, count), "healthy")


def _timeline(count: int) -> Figure:
    start = np.arange(count) * 0.16
    values = np.where(np.arange(count) == 3, np.nan, np.sin(start) + 1)
    return study.timeline_figure(start, start + 0.3, values, (0.5, 1.2), start[:2].tolist(), title=NASTY[0])


def _map_of_subjects(count: int) -> Figure:
    xy = np.random.default_rng(0).normal(size=(count * 5, 2))
    return study.map_figure(xy, np.repeat(_names(count), 5).tolist(), what="Postures")


def _map_of_groups(count: int) -> Figure:
    xy, groups = np.random.default_rng(0).normal(size=(count, 2)), _groups(count)
    return study.map_figure(xy, groups, plotting.group_colours(groups, "healthy"))


def _controls(count: int) -> Figure:
    names = ["ubam", "untrained", "pixel", "background"][: max(1, min(count, 4))]
    return study.controls_figure(
        {name: {"auc": 0.5 + 0.1 * i, "p": None if i else 0.01} for i, name in enumerate(names)}
    )


def _strip(count: int) -> Figure:
    count = min(count, 5)
    query = np.full((count, 32, 32, 3), 90, np.uint8)
    labels = _names(count)
    return study.strip_figure(query, np.stack([query] * 3, axis=1), labels, [labels[:1] * 3] * count)


def _map_over_time(count: int) -> Figure:
    return study.map_over_time_figure(np.random.default_rng(0).normal(size=(count, 2)), np.linspace(0, 1, count))


def _usage(count: int) -> Figure:
    share = np.random.default_rng(0).dirichlet(np.ones(3), count)
    share[0] = np.nan if count > 1 else share[0]
    return study.usage_figure(_names(count), _groups(count), share, "healthy")


def _films(count: int) -> Figure:
    count = min(count, 6)
    film = np.full((4, 32, 32, 3), 90, np.uint8)
    films = [[film] * (number % 3 + 1) for number in range(count)]
    return study.films_figure(films, [NASTY[: len(row)] for row in films], _names(count))


FIGURES = [
    *(_subjects, _by_group, _timeline, _map_of_subjects, _map_of_groups, _map_over_time, _controls, _strip),
    *(_usage, _films),
]


@pytest.mark.parametrize("count", [1, 60])
@pytest.mark.parametrize("draw", FIGURES)
def test_every_figure_is_written_as_png_and_svg(draw: Callable[[int], Figure], count: int, tmp_path: Path) -> None:
    png, svg = plotting.save_figure(draw(count), tmp_path / "some.name")
    assert (png.name, svg.name) == ("some.name.png", "some.name.svg")
    with Image.open(png) as picture:
        assert min(picture.size) > 100
        assert np.asarray(picture.convert("L")).min() < 200
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["some.name.png", "some.name.svg"]


@pytest.mark.filterwarnings("ignore:Glyph")
def test_labels_of_sixty_subjects_do_not_overlap() -> None:
    figure = _subjects(60)
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels() if label.get_text()]
    boxes.sort(key=lambda box: box.y0)
    assert all(above.y0 >= below.y1 - 1 for below, above in pairwise(boxes))


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    first = plotting.save_figure(_subjects(5), tmp_path / "first")
    second = plotting.save_figure(_subjects(5), tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_colours_stay_with_their_group_and_the_reference_is_grey() -> None:
    colours = plotting.group_colours(["b", "healthy", "a", "b"], "healthy")
    assert colours == {"healthy": plotting.REFERENCE_COLOUR, "b": plotting.OKABE_ITO[0], "a": plotting.OKABE_ITO[1]}
    assert "None" not in plotting.group_colours(["a"], None)


def test_a_thinned_line_keeps_its_extremes_and_order() -> None:
    values = np.random.default_rng(1).normal(size=5000)
    values[[7, 4000]] = [40.0, -30.0]
    values[100:300] = np.nan
    time, kept = plotting.thinned(np.arange(5000.0), values, 200)
    assert len(kept) <= 202
    assert np.nanmax(kept) == 40
    assert np.nanmin(kept) == -30
    assert np.isnan(kept).any()
    assert (np.diff(time) > 0).all()
    assert all(np.isnan(a) or a == values[int(t)] for t, a in zip(time, kept, strict=True))
