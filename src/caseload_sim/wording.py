"""Names as a reader sees them, in tables and in figures."""


def words(name: str) -> str:
    """A name as a reader sees it: underscores become spaces, and nothing is taken for mathematics."""
    return name.replace("_", " ").replace("$", r"\$")
