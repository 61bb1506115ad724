"""The process of one run, beside the engine: `python -m engine.worker`."""
