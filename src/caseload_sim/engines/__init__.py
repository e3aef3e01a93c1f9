"""Engines answer one question, by the rules of the day: who holds which place on which day?"""

from collections.abc import Callable

from caseload_sim.courses import Capacity, Courses
from caseload_sim.engines import reference
from caseload_sim.episodes import Episodes

ENGINES: dict[str, Callable[[Courses, Capacity], Episodes]] = {"reference": reference.run}
