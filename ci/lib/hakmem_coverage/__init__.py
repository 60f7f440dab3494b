"""Lines and branches of the sources that the tests reach."""
