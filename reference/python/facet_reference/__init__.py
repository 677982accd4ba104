"""Facet's arithmetic a second time, in Python, written from docs/model.md and docs/training.md."""
