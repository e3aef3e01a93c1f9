"""Does a test notice? Small faults put into every module that computes a figure, one at a time.

    python tests/mutation.py                            a sample of each module, as the verification suite runs it
    python tests/mutation.py --file clients/severity.py --all   every mutant of one module
    python tests/mutation.py --file pathway --sample 4 --minutes 10 --processes 1   a package, and no longer than that

Each mutant is one change of the source: a comparison that includes its edge or not, an integer one more, a plus for a minus, a
condition negated, a minimum for a maximum, a statement left out. A forked process imports the package with that source and runs
the quick tests named in noticed_by.py. A test that fails, an error or a loop without end kills the mutant. Survivors are listed in
survivors.txt with the reason why no test can or need notice them. Needs os.fork (Linux, macOS).
"""

import argparse
import ast
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any

from noticed_by import TESTS

TESTS_FOLDER = Path(__file__).parent
PACKAGE = TESTS_FOLDER.parent / "src" / "caseload_sim"
SURVIVORS = TESTS_FOLDER / "survivors.txt"
SAMPLE_SEED = 2016
LONGEST_SECONDS = 90  # of processor time: a busy machine kills no mutant
LONGEST_WAIT_SECONDS = 600.0  # for a mutant that waits for ever instead of running for ever
WANTED_SHARE = 0.90
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


Undo = Callable[[], None]
Change = Callable[[ast.Module, Any], Undo | None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file: where, what it was and what it is, and the whole source with it."""

    file: str
    name: str
    source: str


# --- making them ------------------------------------------------------------------------------------------------


def mutants_of(file: str, source: str, sample: int | None = None) -> list[Mutant]:
    """Every mutant of a source in a fixed order, or so many of them, drawn with a fixed seed."""
    tree = ast.parse(source)
    names = _names(file, tree)
    nodes = list(_nodes(tree))
    wanted = list(names)
    if sample is not None and sample < len(wanted):
        wanted = random.Random(f"{SAMPLE_SEED}:{file}").sample(wanted, sample)
    result = []
    for i, kind in wanted:
        with _for_a_while(tree, nodes[i][1], CHANGES[kind]):
            result.append(Mutant(file, names[i, kind], ast.unparse(ast.fix_missing_locations(tree))))
    return result


def names_of(file: str, source: str) -> list[str]:
    """The name of every mutant of a source, without the sources, which take some seconds to write."""
    return list(_names(file, ast.parse(source)).values())


def _names(file: str, tree: ast.Module) -> dict[tuple[int, int], str]:
    """(number of the node, number of the change) -> name of the mutant, in a fixed order."""
    names: dict[tuple[int, int], str] = {}
    seen = Counter[str]()
    for i, (where, node) in enumerate(_nodes(tree)):
        for kind, change in enumerate(CHANGES):
            with _for_a_while(tree, node, change) as (changed, before):
                if changed:
                    now = "nothing" if change is _left_out else _line(node)
                    name = f"{file}: {where}: {before()} -> {now}"
                    seen[name] += 1
                    names[i, kind] = name if seen[name] == 1 else f"{name} #{seen[name]}"
    return names


@contextmanager
def _for_a_while(tree: ast.Module, node: Any, change: Change) -> Iterator[tuple[bool, Callable[[], str]]]:
    """The tree with one node changed, and what the node was in words; afterwards the tree is as it was."""
    as_it_was = copy(node)
    undo = change(tree, node)
    yield undo is not None, lambda: _line(as_it_was)
    if undo is not None:
        undo()


def _nodes(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Nodes of function bodies and constants, with the function they are in; no types, decorators, asserts or messages."""

    def visit(node: ast.AST, where: str) -> Iterator[tuple[str, Any]]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            where = node.name
        yield where, node
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                checks = isinstance(child, ast.keyword) and child.arg == "strict"  # of zip: an assertion in other words
                if (
                    isinstance(child, ast.AST)
                    and not checks
                    and not isinstance(child, ast.Assert | ast.Raise | ast.Import | ast.ImportFrom | ast.JoinedStr)
                ):
                    yield from visit(child, where)

    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            yield from visit(node, "module")


def _line(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 160 else f"{text[:157]}..."


def _swapped(tree: ast.Module, node: Any) -> Undo | None:
    """An operator, a constant or a name for its neighbour."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        return _set(node, "ops", [SWAPS[type(node.ops[0])](), *node.ops[1:]])
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPS:
        return _set(node, "op", SWAPS[type(node.op)]())
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        return _set(node, "value", not node.value if isinstance(node.value, bool) else node.value + 1)
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        return _set(node, "attr", NAMES[node.attr])
    if isinstance(node, ast.Name) and node.id in NAMES:
        return _set(node, "id", NAMES[node.id])
    return None


def _negated(tree: ast.Module, node: Any) -> Undo | None:
    """A condition the other way round, the second of two comparisons in a row; a sign, "not" or ~ left out."""
    if isinstance(node, ast.Compare) and len(node.ops) == 2 and type(node.ops[1]) in SWAPS:
        return _set(node, "ops", [node.ops[0], SWAPS[type(node.ops[1])]()])
    if isinstance(node, ast.If | ast.IfExp):
        return _set(node, "test", ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.UnaryOp):
        return _set(node, "op", ast.UAdd())
    return None


def _left_out(tree: ast.Module, node: Any) -> Undo | None:
    """A statement left out: continue, break, a call, an addition, or an assignment to a place in a table."""
    drops = isinstance(node, ast.Continue | ast.Break | ast.AugAssign)
    drops |= isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    drops |= isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)
    for parent in ast.walk(tree) if drops else ():
        for name, body in ast.iter_fields(parent):
            if isinstance(body, list) and node in body:
                return _set(parent, name, [ast.Pass() if one is node else one for one in body])
    return None


def _set(node: ast.AST, name: str, value: Any) -> Undo:
    before = getattr(node, name)
    setattr(node, name, value)
    return lambda: setattr(node, name, before)


CHANGES: tuple[Change, ...] = (_swapped, _negated, _left_out)


# --- running them -----------------------------------------------------------------------------------------------


class _Source(MetaPathFinder, Loader):
    """Imports one module of the package from a source of our own."""

    def __init__(self, file: str, source: str) -> None:
        self.module = "caseload_sim." + file.removesuffix(".py").replace("/", ".")
        self.file, self.source = file, source

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name == self.module else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(PACKAGE / self.file)
        exec(compile(self.source, str(PACKAGE / self.file), "exec"), module.__dict__)


def survives(mutant: Mutant, longest_seconds: int = LONGEST_SECONDS) -> bool:
    """Whether the tests of its file pass with the mutant; in a process of its own, which is ended when it takes too long."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as cache:
        return _survives(mutant, longest_seconds, cache)


def _survives(mutant: Mutant, longest_seconds: int, cache: str) -> bool:
    import resource  # not on Windows, where this file can be read, but no mutant run

    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (longest_seconds, longest_seconds))
        os._exit(_run_tests(mutant, cache))
    ends = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_tests(mutant: Mutant, cache: str) -> int:
    """0 when all tests pass; in the forked process. cache: a folder for what numba compiles"""
    import pytest

    # numba knows a function by the file that it is in: it would keep code compiled from a mutant as that of the source.
    os.environ["NUMBA_CACHE_DIR"] = cache
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    ours = {path.stem for path in TESTS_FOLDER.rglob("*.py")}
    for name in list(sys.modules):
        if name.split(".")[0] == "caseload_sim" or name in ours:
            del sys.modules[name]
    sys.meta_path.insert(0, _Source(mutant.file, mutant.source))
    files, chosen, _ = TESTS[mutant.file]
    paths = [str(TESTS_FOLDER / name) for name in files]
    try:
        # -n 0: processes of pytest-xdist would import the package anew, without the fault.
        return int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:cov", "-k", chosen, *paths]))
    except BaseException:  # a mutant that cannot even be collected is killed
        return 1


def warm_up() -> None:
    """Import what every test needs once, so that forked processes have it."""
    import hypothesis  # noqa: F401
    import pydantic  # noqa: F401
    import simpy  # noqa: F401

    import caseload_sim  # noqa: F401


def chosen_mutants(file: str, sample: int | None) -> list[Mutant]:
    """All mutants of a file of the package, or a sample."""
    return mutants_of(file, (PACKAGE / file).read_text(encoding="utf-8"), sample)


def survivors_among(mutants: list[Mutant], n_processes: int = 2) -> list[str]:
    """Names of those that no test kills. Raises RuntimeError when the tests do not pass without any mutant."""
    file = mutants[0].file
    warm_up()
    unchanged = Mutant(file, "unchanged", ast.unparse(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))))
    before = _seconds_of_children()
    if not survives(unchanged):
        raise RuntimeError(f"{file}: its tests fail, or take longer than {LONGEST_SECONDS} s, without any mutant")
    longest = min(LONGEST_SECONDS, 10 + round(3 * (_seconds_of_children() - before)))
    with ThreadPoolExecutor(n_processes) as threads:
        alive = threads.map(survives, mutants, repeat(longest))
        return [mutant.name for mutant, lives in zip(mutants, alive, strict=True) if lives]


def _seconds_of_children() -> float:
    """Processor time of the processes that were forked and have ended."""
    used = os.times()
    return used.children_user + used.children_system


def reasons() -> dict[str, str]:
    """Mutants known to survive, and why: two lines each in survivors.txt, the second indented."""
    lines = [line for line in SURVIVORS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {name: why.strip() for name, why in zip(lines[::2], lines[1::2], strict=True)}


def files_in(wanted: Sequence[str]) -> list[str]:
    """The modules of TESTS that are named, each by itself or by its package; all where nothing is named."""
    for name in wanted:
        if not any(_is_in(file, name) for file in TESTS):
            raise SystemExit(f"{name}: no module or package of noticed_by.py")
    return [file for file in TESTS if not wanted or any(_is_in(file, name) for name in wanted)]


def _is_in(file: str, name: str) -> bool:
    return file == name or file.startswith(f"{name}/")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--file", action="append", default=[], help="only these modules or packages")
    parser.add_argument("--sample", type=int, help="mutants of each module; as many as noticed_by.py says if not given")
    parser.add_argument("--all", action="store_true", help="every mutant instead of a sample")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no module after so many")
    parser.add_argument("--processes", type=int, default=2, help="mutants run at the same time")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each module")
    options = parser.parse_args()
    known, ends = reasons(), time.monotonic() + 60 * options.minutes
    for file in files_in(options.file):
        if time.monotonic() >= ends:
            print(f"{file}: not begun, since {options.minutes:g} minutes are over", file=sys.stderr, flush=True)
            continue
        begun = _seconds_of_children()
        mutants = chosen_mutants(file, None if options.all else options.sample or TESTS[file].sample)
        alive = survivors_among(mutants, options.processes)
        if options.json:
            print(json.dumps({"file": file, "mutants": len(mutants), "alive": alive}), flush=True)
            continue
        share = 1 - len(alive) / len(mutants)
        took = _seconds_of_children() - begun
        print(f"{file}: {share:.0%} of {len(mutants)} mutants killed, {took:.0f} s of processor time", flush=True)
        for name in alive:
            print(f"  {'known' if name in known else 'NEW'}: {name}", flush=True)


if __name__ == "__main__":
    main()
