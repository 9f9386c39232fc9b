"""Set-up, then the loop: ``python -m trustai.run_active_learning``, with the flags of ``trustai run``."""

import sys

from trustai.cli import as_program, run

if __name__ == "__main__":
    sys.argv.insert(1, "--set-up")
    as_program(run)
