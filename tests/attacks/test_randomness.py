"""T-SEED, T-SAMPLER, T-TIME2: noise that can be foreseen, has another law, or tells its size by its time. Naive falls."""

from __future__ import annotations

import ast
import gc
import inspect
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare, spearmanr

import tre
from tests.attacks.cells import ours, wide
from tests.vault.answers import exact_of, order_of
from tre.plan.order import GAUSSIAN, LAPLACE, Draw
from tre.plan.steps import ROOM, release_time
from tre.vault import noise
from tre.vault.noise import perturb

# -- T-SEED

FORKED = """
import json, os
import numpy as np
from tests.attacks.cells import ours
naive = np.random.default_rng()
ours([0], 1000.0), naive.normal()  # in use before the fork
child = os.fork()
drawn = json.dumps([naive.normal(0, 1000, 20).tolist(), ours([0] * 20, 1000.0)])
if child:
    os.waitpid(child, 0)
print(drawn, flush=True)
"""


def test_t_seed_draws_differ_after_a_fork() -> None:
    """Two workers of one parent. Naive: a generator in memory gives both the same noise. Ours: the operating system's, 20 numbers
    of scale 1,000, which are all equal by chance once in 10^70."""
    root = Path(tre.__file__).parent.parent
    told = subprocess.run([sys.executable, "-c", FORKED], cwd=root, capture_output=True, text=True, timeout=60, check=True)
    child, parent = map(json.loads, told.stdout.splitlines())
    assert parent[0] == child[0] and parent[1] != child[1]


def test_t_seed_there_is_no_seed_to_give() -> None:
    """Nothing of the noise takes one, and no room of the vault has a generator of its own."""
    for name, function in inspect.getmembers(noise, inspect.isfunction):
        assert not {"seed", "rng", "random_state"} & set(inspect.signature(function).parameters), name
    for path in Path(noise.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & {"random", "numpy"}, path.name


# -- T-SAMPLER

Masses = np.ndarray
SCALES = [0.5, 1.0, 3.0, 100.0]
SIZES = [(40_000, 0.06), pytest.param((2_000_000, 0.01), marks=pytest.mark.audit)]


def bins(mechanism: str, scale: float) -> list[int]:
    """Where bins begin: half a scale wide, out to where a thousandth is left."""
    most = math.ceil((3 if mechanism == GAUSSIAN else 6) * scale)
    return list(range(-most, most + 1, max(1, round(scale / 2))))


def masses(mechanism: str, scale: float, edges: list[int]) -> Masses:
    """Of each bin, the first and the last without end, from the law's own masses."""
    x = np.arange(-5_000, 5_001)
    weight = np.exp(-(x**2) / (2 * scale**2)) if mechanism == GAUSSIAN else np.exp(-np.abs(x) / scale)
    found = np.bincount(np.searchsorted(edges, x, side="right"), weights=weight / weight.sum(), minlength=len(edges) + 1)
    return np.asarray(found)


def p_value(counts: np.ndarray, expected: Masses) -> float:
    """Chi-square; what is expected less than ten times is one bin together."""
    total = counts.sum()
    rare = expected * total < 10
    seen = np.append(counts[~rare], counts[rare].sum())
    wanted = np.append(expected[~rare], expected[rare].sum()) * total
    there = wanted > 0
    return float(chisquare(seen[there], wanted[there] / wanted[there].sum() * seen[there].sum()).pvalue)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize("scale", SCALES)
def test_t_sampler_the_noise_has_its_law_and_another_is_caught(scale: float, mechanism: str, size: tuple[int, float]) -> None:
    """Naive: a sampler whose scale is off by 6 %, at the published size by 1 %, has p < 1e-6. Ours: p above 1e-7, for there are
    eight of them."""
    draws, off = size
    edges = bins(mechanism, scale)
    expected = masses(mechanism, scale, edges)
    wrong = np.random.default_rng(7).multinomial(draws, masses(mechanism, scale * (1 - off), edges))
    assert p_value(wrong, expected) < 1e-6
    found = np.array(ours([0] * draws, scale, mechanism, 1))
    assert p_value(np.bincount(np.searchsorted(edges, found, side="right"), minlength=len(edges) + 1), expected) > 1e-7


# -- T-TIME2

SHORTEST_MS = 100  # the finest quantum that a policy may state
Pairs = tuple[list[int], list[float]]


def timed(draw: Callable[[], int], tries: int) -> Pairs:
    """Of each number its size and the seconds of processor time that it took, none of them for other tests' garbage."""
    sizes, seconds = [], []
    gc.disable()
    try:
        for _ in range(tries):
            began = time.thread_time_ns()
            found = draw()
            seconds.append((time.thread_time_ns() - began) / 1e9)
            sizes.append(abs(found))
    finally:
        gc.enable()
    return sizes, seconds


def guessed(sizes: list[int], seconds: list[float]) -> float:
    """How often "longer than usual, so larger than usual" is right."""
    return float(np.mean((np.array(sizes) > np.median(sizes)) == (np.array(seconds) > np.median(seconds))))


def test_t_time2_naive_tells_its_size_by_its_time() -> None:
    """A geometric number, by a coin until it shows heads; its sign by one more."""
    rng = np.random.default_rng(8)

    def draw() -> int:
        size = 0
        while rng.random() > 1 / 50:
            size += 1
        return size if rng.random() < 0.5 else -size

    sizes, seconds = timed(draw, 1_000)
    assert spearmanr(sizes, seconds).statistic >= 0.5
    assert guessed(sizes, seconds) > 0.75


@pytest.mark.parametrize("tries", [1_000, pytest.param(20_000, marks=pytest.mark.audit)])
@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
def test_t_time2_ours_is_drawn_inside_the_quantum(mechanism: str, tries: int) -> None:
    """The sampler alone tells a little (a rank correlation up to 0.5 for Laplace noise). An answer waits for a release time of
    its plan, under the finest quantum at least four times what the slowest draw takes: all leave at one time, and a guess by it
    is right half the time."""
    plan = wide(1)
    order = order_of(plan, [Draw(mechanism, 50.0, 1, 1)], pure=mechanism == LAPLACE)
    exact = exact_of(plan, [[0]])
    sizes, seconds = timed(lambda: perturb(exact, order).blocks[0].numbers[0][0], tries)
    leaves = release_time(plan, 1_000, SHORTEST_MS, 30.0)
    assert ROOM * max(seconds) <= leaves
    seen = [max(leaves, one) for one in seconds]
    assert len(set(seen)) == 1
    assert guessed(sizes, seen) <= 0.52 + 4.9 * 0.5 / math.sqrt(tries)
