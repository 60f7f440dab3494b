"""ci/costs: the instructions that each atomic operation compiles to."""
