"""The jobs: each a folder whose module cli has main(root, argv)."""
