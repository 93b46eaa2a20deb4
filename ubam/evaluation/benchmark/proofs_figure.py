"""The figure of `ubam benchmark --statistics`: false positives and power of published ways to test and of ours."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import PercentFormatter

from ubam.core.plotting import FAINT, INK, NOTE, OKABE_ITO, REFERENCE_COLOUR, canvas, save_figure
from ubam.evaluation.benchmark.proofs import Summary

ROWS = {
    "frames as units": "every frame as if it were an animal",
    "recordings as units": "every recording as if it were an animal",
    "in-sample reference": "reference that contains the scored subject",
    "two groups": "ubam: subjects, everything made anew",
}


def write_comparison(summary: Summary, out: Path) -> list[Path]:
    """Draw `out`/comparison.png and .svg from the contents of proofs.json; nothing where a side was not simulated.

    Left, studies without a difference: how often each way finds one, which should be 5 %. Right, studies with one.
    """
    checks = summary["checks"]
    if not all(name in checks for name in ("null_groups", "planted_groups")):
        return []
    figure, left = canvas(9.0, 2.7)
    right = figure.add_subplot(1, 2, 2, sharey=left)
    left.set_subplotspec(figure.add_gridspec(1, 2)[0])
    right.set_subplotspec(left.get_subplotspec().get_gridspec()[1])  # type: ignore[union-attr]
    for axes, name, title in (
        (left, "null_groups", "no difference, yet p < 0.05"),
        (right, "planted_groups", "a difference, p < 0.05"),
    ):
        rates, studies = checks[name]["rates"], checks[name]["studies"]
        for row, key in enumerate(ROWS):
            share, low, high = (float(rates[key][part]) for part in ("share", "low", "high"))
            others = OKABE_ITO[0] if name == "null_groups" else REFERENCE_COLOUR
            colour = OKABE_ITO[1] if key == "two groups" else others
            axes.plot([low, high], [row, row], color=colour, linewidth=1.8, solid_capstyle="round")
            axes.plot(share, row, "o", color=colour, markersize=7, markeredgecolor="white")
            axes.text(min(high + 0.03, 1.04), row, f"{100 * share:.0f} %", fontsize=8.5, va="center", color=INK)
        axes.set_title(f"{title} ({studies} studies)", loc="left", fontsize=9.5, color=INK)
        axes.set_xlim(-0.02, 1.16)
        axes.set_xticks(np.arange(0, 1.01, 0.25))
        axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(FAINT)
        axes.tick_params(labelsize=8.5, color=FAINT)
    left.axvline(summary["level"], color=NOTE, linewidth=0.8, linestyle=(0, (2, 2)))
    left.set_yticks(range(len(ROWS)), list(ROWS.values()))
    left.set_ylim(len(ROWS) - 0.5, -0.5)
    right.tick_params(labelleft=False)
    return save_figure(figure, out / "comparison")
