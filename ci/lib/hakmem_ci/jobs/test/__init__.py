"""All tests of all presets, through ctest."""
