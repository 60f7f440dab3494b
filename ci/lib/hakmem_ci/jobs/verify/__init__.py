"""The main job: builds, runs every check there is, and gives one truthful verdict."""
