"""Every benchmark runs through at a size that tells nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = {
    "benchmarks.scoring": ["2,000 × 3 float32", "ours, ties by seed"],
    "benchmarks.diverse_batches": ["1,000 candidates", "scikit-activeml: CoreSet", "(default)"],
    "benchmarks.label_efficiency": ["wine", "random", "small-text: EmbeddingKMeans", "(default)"],
    "benchmarks.pool_simulation": ["3,000", "again", "What gives first"],
}


@pytest.mark.parametrize("module", LINES)
def test_prints_a_table(module):
    """In a process of its own, for the peers warn of much on import."""
    done = subprocess.run(
        [sys.executable, "-m", module, "--tiny"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    for expected in LINES[module]:
        assert expected in done.stdout
    assert re.search(r"^\|[-:|]+\|$", done.stdout, re.MULTILINE)
