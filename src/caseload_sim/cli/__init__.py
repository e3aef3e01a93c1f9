"""The command line: each command parses, calls one public function, and prints."""

from caseload_sim.cli.commands import app, main

__all__ = ["app", "main"]
