"""What is lost, and gained, where only some of many reference subjects are matched: simulated embeddings.

    python matched_references.py --reference 160 --queries 30

Prints a row of CSV for each number of matched subjects: CPU seconds of scoring without intervals, and by how much
deviations and conformal p differ from those with everybody. For MATCHED subjects it also says how far the 95 %
intervals reach, and how many subjects lie outside their own.
"""

import argparse
import time

import numpy as np

from ubam.deviation import twin
from ubam.deviation.scores import SubjectScore, score_study
from ubam.evaluation.synthetic.embeddings import groups_study


def main() -> None:
    """Score one simulated study with everybody and with some, and print how the scores differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=int, default=160, help="subjects")
    parser.add_argument("--queries", type=int, default=30, help="subjects")
    asked = parser.parse_args()
    groups = {"reference": asked.reference, "query": asked.queries}
    codes = groups_study(5, groups, {"query": 0.3}, recordings=1, seconds=3.0)
    usual = twin.MATCHED

    def scored(matched: int, intervals: bool = False) -> tuple[list[SubjectScore], float]:
        twin.MATCHED = matched
        began = time.process_time()
        found = score_study(codes, "reference", intervals=intervals).subjects
        return found, time.process_time() - began

    everybody, took = scored(len(codes))
    print("matched,cpu_s,log_ratio_median,log_ratio_max,p_median,p_max,half_interval_median,outside")
    print(f"{asked.reference},{took:.1f},0,0,0,0,,")
    for matched in (20, 40, usual):
        some, took = scored(matched)
        apart = np.abs(np.log([a.deviation / b.deviation for a, b in zip(some, everybody, strict=True)]))
        p = np.abs([a.p_value - b.p_value for a, b in zip(some, everybody, strict=True)])
        ends = ","
        if matched == usual:
            half = np.log([one.high / one.deviation for one in scored(matched, intervals=True)[0]])
            ends = f"{np.median(half):.4f},{int((apart > half).sum())}"
        shown = ",".join(f"{value:.4f}" for value in (np.median(apart), apart.max(), np.median(p), p.max()))
        print(f"{matched},{took:.1f},{shown},{ends}")


if __name__ == "__main__":
    main()
