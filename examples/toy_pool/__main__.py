"""``python -m examples.toy_pool``: draw the pictures of docs/strategies.md anew."""

import argparse
from pathlib import Path

from examples.toy_pool.gallery import pictures

DOCS = Path(__file__).parents[2] / "docs" / "pictures" / "strategies"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.toy_pool", description="Draw the pictures of the docs.")
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS, help="where to; else the docs")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
        print(folder / f"{name}.svg")


if __name__ == "__main__":
    main()
