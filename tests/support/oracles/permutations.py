"""A slow permutation of the reference, in plain loops, that checks `ubam.statistics.permuted_references`."""

import numpy as np

from ubam.deviation.normal_variation import LOOKS, shrink
from ubam.statistics.permuted_references import SAMPLES_PER_SUBJECT, MatchedSubjects


def slow_chain(relations: MatchedSubjects, reference: list[int]) -> list[float]:
    """The same chain in plain loops: twin, residual, units of the reference, length, summary."""
    column = {unit: number for number, unit in enumerate(relations.matched.tolist())}
    matched = [unit for unit in reference if unit in column]

    def residual(index: int, twin: list[int]) -> np.ndarray:
        return relations.own[index] - sum(relations.others[index][column[other]] for other in twin) / len(twin)

    def deviation(rows: np.ndarray) -> float:
        lengths = np.array([np.sqrt(row @ inverse @ row / len(row)) for row in rows])
        bounded = np.minimum(lengths, np.quantile(lengths, 0.9))
        return float(np.sqrt((bounded**2).mean()))

    residuals, turn = [], 0
    for index in range(len(relations.names)):
        twin = [other for other in matched if relations.subjects[other] != relations.subjects[index]]
        if len(twin) == len(matched):
            del twin[turn % len(matched)]
            turn += 1
        residuals.append(residual(index, twin))
    own = [residuals[index] for index in reference]
    moments = [row.T @ row / len(row) for row in own]
    middle = np.median([np.trace(moment) for moment in moments])
    moment = sum(min(1.0, middle / np.trace(moment)) * moment for moment in moments) / len(own)
    covariance = shrink(moment, SAMPLES_PER_SUBJECT * len(reference))
    if relations.looks is not None:
        covariance = covariance + LOOKS * relations.looks
    inverse = np.linalg.inv(covariance)
    if relations.looks is not None:  # a typical reference subject stays 1
        inverse = inverse * len(moment) / np.trace(inverse @ moment)
    return [deviation(row) for row in residuals]
