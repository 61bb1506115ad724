"""Looking into what past runs have kept."""
