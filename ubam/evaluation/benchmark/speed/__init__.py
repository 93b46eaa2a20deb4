"""How long everything takes beside decoding, on films and simulated embeddings that are made for it.

`measure_speed` measures every row in a process of its own; `write_speed` writes the table and draws how costs grow.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["measure_speed", "speed_table", "write_speed"]

if TYPE_CHECKING:
    from ubam.evaluation.benchmark.speed.run import measure_speed
    from ubam.evaluation.benchmark.speed.table import speed_table, write_speed
else:
    __getattr__, __dir__ = lazy_names(__name__, measure_speed="run", speed_table="table", write_speed="table")
