"""All randomness: one Philox stream for each seed, replication and purpose. A client's position in it is the client's id.

So the patience of client 17 is number 17 of the stream "patience", whoever else there is and whatever the scenario says:
adding clients or changing one number leaves everybody else as they were. Where numba has been loaded, as it is for large
jobs, compiled code makes the same draws to the last bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from caseload_sim.draws.distributions import _gamma_quantiles, _normal_quantiles
from caseload_sim.support.columns import Floats, Ids, read_only
from caseload_sim.support.compiled import numba_is_loaded

# Every purpose for which something is drawn. A purpose may be split by condition, disorder or step: "trait:ptsd"; those of
# staff by kind, and by how often a post has changed: "staff_leaving:2:assessor". There the position in the stream is the number of the post.
PURPOSES = (
    "referrals",
    "referral_date",
    "referral_counted",
    "common_factor",
    "trait",
    "state_start",
    "state",
    "mood",
    "error",
    "distress",
    "stratum",
    "interview_start",
    "interview_end",
    "interview_month_12",
    "length_shared",
    "length_own",
    "depth",
    "drift",
    "therapist",
    "problem_right",
    "problem_other",
    "problem_by_lot",
    "disclosure",
    "route",
    "booking",
    "before_assessment",
    "booking_slow",
    "booking_slow_days",
    "lot",
    "modality",
    "modality_reach",
    "variant",
    "advice",
    "attendance",
    "incomplete",
    "not_suitable_seen",
    "reason",
    "assessment_coded",
    "lag",
    "patience",
    "planned_sessions",
    "drop_out",
    "missed",
    "missed_provider",
    "missed_word",
    "step_up",
    "step_down",
    "returns",
    "start_lot",
    "provider",
    "relapse",
    "relapse_length_shared",
    "relapse_length_own",
    "well_leaves",
    "one_more_look",
    "parameter",
    "doubt",
    "staff_start",
    "staff_leaving",
    "staff_replacing",
    "staff_training",
    "service_again",
)
_PURPOSES = frozenset(PURPOSES)
# In every stream, second referrals begin at the first of these positions, and the pool of a running start at the second.
RETURN_IDS, START_IDS = 2**40, 2**41
# Positions lie below this. Each of several providers has streams of its own, so in tables of them all its clients' ids are
# so many further on for each provider before it.
IDS_OF_A_PROVIDER = 2**42
_DRAWS_AT_ONCE = 2**17  # of several purposes; more would leave the cache before they are used
_LITTLE_WORD = np.dtype("<u8")
_LONGEST_STEP = 2**20  # from one client to the next within a stretch
_DRAWS_PER_BLOCK = (
    8  # Philox makes four 64-bit words at a time, `advance` counts in those, and a draw takes half a word
)


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one replication.

    seed: 0 to 2**63-1; replication: from 0
    """

    seed: int
    replication: int

    def uniform(self, purpose: str, ids: Ids) -> Floats:
        """Uniform draws strictly between 0 and 1 for the clients (or days) `ids`: odd multiples of 2**-33.

        purpose: a member of PURPOSES, or one followed by ":" and a name
        ids: (n,) int64; ordinary ones from 0, those of returns and of a running start from RETURN_IDS and START_IDS; fastest
            when they ascend
        Returns (n,) float64.
        """
        return np.asarray(self.uniforms((purpose,), ids)[0])

    def uniforms(self, purposes: Sequence[str], ids: Ids) -> Floats:
        """`uniform` for several purposes at once, (purposes, n) float64. For few clients this is faster than one by one."""
        stem = f"{self.seed}/{self.replication}/".encode()
        digests = [blake2b(stem + _encode(purpose), digest_size=16).digest() for purpose in purposes]
        keys = np.frombuffer(bytearray().join(digests), _LITTLE_WORD).astype(np.uint64, copy=False).reshape(-1, 2)
        if len(ids) == 0:
            return np.empty((len(purposes), 0))
        return (
            _draw_compiled(keys, ids) if numba_is_loaded() else np.stack([_draw_with_numpy(key, ids) for key in keys])
        )

    def normal(self, purpose: str, ids: Ids) -> Floats:
        """Standard normal draws, (n,) float64; see `uniform`."""
        return _normal_quantiles().of(self.uniform(purpose, ids))

    def normals(self, purposes: Sequence[str], ids: Ids) -> Iterator[Floats]:
        """`normal` for several purposes, one after the other. For few clients this is faster than one by one."""
        n_at_once = max(_DRAWS_AT_ONCE // max(len(ids), 1), 1)
        for first in range(0, len(purposes), n_at_once):
            u = self.uniforms(purposes[first : first + n_at_once], ids)
            yield from _normal_quantiles().of(u.ravel()).reshape(u.shape)

    def gamma(self, purpose: str, ids: Ids, shape: float) -> Floats:
        """Gamma draws standardised to mean 0 and SD 1, (n,) float64, by the inverse distribution function."""
        return _gamma_quantiles(shape).of(self.uniform(purpose, ids))

    def gamma_days(self, purpose: str, ids: Ids, mean_days: float, shape: float) -> NDArray[np.int32]:
        """Whole days, rounded to the nearest, of a gamma time with that mean and shape, (n,) int32, >= 0."""
        days = (self.gamma(purpose, ids, shape) * np.sqrt(shape) + shape) * (mean_days / shape)
        return np.asarray(np.minimum(np.rint(days), 2**30), dtype=np.int32)

    def exponential_days(self, purpose: str, ids: Ids, mean_days: float) -> NDArray[np.int32]:
        """Whole days, rounded down, of an exponential time with that mean, (n,) int32, >= 0."""
        days = -mean_days * np.log(self.uniform(purpose, ids))
        return np.minimum(days, 2**30).astype(np.int32)


@dataclass(frozen=True, slots=True)
class RememberedDraws(Draws):
    """The same random numbers, each kept once it is drawn: for whoever reads the same clients again and again.

    kept: by kind of draw, purposes and ids; a draw is handed out as it is, so it cannot be written to
    """

    kept: dict[tuple[tuple[str, ...], bytes], Floats] = field(default_factory=dict, compare=False, repr=False)

    def uniforms(self, purposes: Sequence[str], ids: Ids) -> Floats:
        """As of `Draws`."""
        return self._remembered("uniforms", purposes, ids)

    def normal(self, purpose: str, ids: Ids) -> Floats:
        """As of `Draws`."""
        return np.asarray(self._remembered("normals", (purpose,), ids)[0])

    def normals(self, purposes: Sequence[str], ids: Ids) -> Iterator[Floats]:
        """As of `Draws`."""
        yield from self._remembered("normals", purposes, ids)

    def _remembered(self, kind: str, purposes: Sequence[str], ids: Ids) -> Floats:
        """Draws of a kind for several purposes, (purposes, n) float64."""
        key = (kind, *purposes), ids.tobytes()
        found = self.kept.get(key)
        if found is None:
            anew = Draws(self.seed, self.replication)
            found = anew.uniforms(purposes, ids) if kind == "uniforms" else np.stack([*anew.normals(purposes, ids)])
            self.kept[key] = read_only(found)
        return found


@lru_cache(maxsize=4096)
def _encode(purpose: str) -> bytes:
    assert purpose.split(":")[0] in _PURPOSES, purpose
    return purpose.encode()


def _draw_compiled(keys: NDArray[np.uint64], ids: Ids) -> Floats:
    from caseload_sim.draws.philox import uniforms_at

    u = np.empty((len(keys), len(ids)))
    uniforms_at(keys, np.ascontiguousarray(ids), u)  # numba compiles once more for ids that are not contiguous
    return u


def _draw_with_numpy(key: NDArray[np.uint64], ids: Ids) -> Floats:
    # Ids are cut where the next one is more than _LONGEST_STEP ahead, the same again, or lower; each piece is drawn at once.
    # One comparison finds all three: a step of 0 or backwards, less 1, is below 0, which without a sign is a huge number.
    breaks = np.flatnonzero((np.diff(ids) - 1).view(np.uint64) >= _LONGEST_STEP) + 1
    bits = np.concatenate([_draw_stretch(key, part) for part in np.split(ids, breaks)])
    return np.asarray((bits + 0.5) * 2.0**-32)  # never 0 or 1, so that inverse distribution functions stay finite


def _draw_stretch(key: NDArray[np.uint64], ids: Ids) -> NDArray[np.uint32]:
    """Random bits at these ascending positions of the stream with that key, (n,) uint32; those between are drawn and dropped."""
    first, n = int(ids[0]) // _DRAWS_PER_BLOCK, int(ids[-1]) + 1 - int(ids[0])
    skipped = int(ids[0]) - first * _DRAWS_PER_BLOCK
    words = np.random.Philox(key=key, counter=first).random_raw((skipped + n + 1) // 2)
    bits = words.astype("<u8", copy=False).view("<u4")[skipped : skipped + n]
    return (
        bits if n == len(ids) else bits.take(ids - ids[0], mode="clip")
    )  # nearly always all positions between are wanted
