"""Python: every file compiles, and imports nothing that it does not use."""
import ast

from hakmem_ci.jobs.lint.sources import Found, with_ending


def imported(tree):
    """(name, line) of what a module imports, under the name that it has there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                yield alias.asname or alias.name, node.lineno


def used(tree):
    """Every name that a module reads, also in what it exports."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    exported = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)
                and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)]
    return names | {one.value for value in exported for one in ast.walk(value) if isinstance(one, ast.Constant)}


def faults_of(path, shown):
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except (SyntaxError, ValueError) as error:
        return [f"{shown}:{getattr(error, 'lineno', None) or 1}: does not compile: {error}"]
    names = used(tree)
    return [f"{shown}:{line}: imports {name} and does not use it" for name, line in imported(tree) if name not in names]


def check(root, options):
    paths = with_ending(root, ".py")
    return Found(len(paths), [fault for path in paths for fault in faults_of(path, path.relative_to(root))])
