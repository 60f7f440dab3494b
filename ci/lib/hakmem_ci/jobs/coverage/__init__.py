"""Lines and branches that the tests reach."""
