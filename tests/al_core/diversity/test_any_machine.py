"""The same batch whatever instructions and threads the machine has."""

import os
import subprocess
import sys

import pytest

PICK = """
import hashlib
import numpy as np
from al_core.diversity import DIVERSITIES, pick_batch
from al_core.seeding import task_keys

rng = np.random.default_rng(0)
centres = rng.normal(size=(40, 24))
rows = (centres[rng.integers(0, 40, 3000)] + 0.3 * rng.normal(size=(3000, 24))).astype(np.float32)
scores = np.round(rng.random(3000), 2)
probabilities = rng.dirichlet(np.ones(7), 3000)
print(hashlib.sha256((rows @ rows.T).tobytes()).hexdigest())
for way in DIVERSITIES.values():
    for factor in (20, None):
        batch = pick_batch(
            way, scores, 40, keys=task_keys(np.arange(3000), 1), seed=1, features=rows, probabilities=probabilities,
            labelled=rows[:30], candidate_factor=factor,
        )
        print(way.name, factor, batch.indices.tolist(), batch.groups.tolist())
"""
OLD_MACHINE = {
    "OPENBLAS_CORETYPE": "Prescott",
    "OPENBLAS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
}


def picked(settings):
    """What a process with these settings prints: a plain product first, then the batches."""
    plain = {name: value for name, value in os.environ.items() if name not in OLD_MACHINE}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PICK], env=plain | settings, capture_output=True, text=True, check=True
    )
    product, *batches = done.stdout.splitlines()
    return product, batches


def test_an_old_machine_picks_the_same_batches():
    here, there = picked({}), picked(OLD_MACHINE)
    assert len(here[1]) > 10
    assert here[1] == there[1]
    if here[0] == there[0]:
        pytest.skip("This machine adds up in one way alone, so the batches could not have differed.")
