"""Rewrites the generated pages whose inputs have changed."""
