"""Two small backends, each in one file; docs/ml-backend.md shows both in full."""
