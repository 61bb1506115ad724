"""From the YAML text of a run definition to checked plain data, or to problems at a line."""
