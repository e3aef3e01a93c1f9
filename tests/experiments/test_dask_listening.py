"""The recipes of docs/scaling.md, started as they are written, listen on this machine alone or speak TLS alone."""

import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="Dask is not installed: nothing of it can be started")
SOCKETS = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
pytestmark = pytest.mark.skipif(not SOCKETS[0].exists(), reason="this system does not say in /proc who listens where")
PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
PAIR = re.compile(r"^(dask scheduler .*)\n(dask worker .*)$", re.MULTILINE)
LISTENING = "0A"
SECONDS = 120


def recipes() -> list[tuple[str, str]]:
    """Every scheduler of the page with the workers started for it, as they are typed."""
    return PAIR.findall(PAGE.read_text(encoding="utf-8"))


def processes_of(root: int) -> set[int]:
    """A process and all that it has started, and these."""
    parent_of = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent_of[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
    found, new = {root}, {root}
    while new:
        new = {pid for pid, parent in parent_of.items() if parent in new} - found
        found |= new
    return found


def listening(root: int) -> set[tuple[str, int]]:
    """Addresses, as hexadecimal digits, and ports at which a process and its children listen."""
    held = set()
    for pid in processes_of(root):
        try:
            held |= {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        except OSError:
            continue
    found = set()
    for table in SOCKETS:
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTENING and f"socket:[{inode}]" in held:
                address, port = local.split(":")
                found.add((address, int(port, 16)))
    return found


def is_of_this_machine_alone(address: str) -> bool:
    """Whether only programs of this machine reach an address of /proc/net/tcp, whose bytes are in the order of the machine."""
    if len(address) == 8:
        return bytes.fromhex(address)[:: 1 if sys.byteorder == "big" else -1][0] == 127
    return address == "00000000000000000000000001000000"


def speaks_tls(port: int) -> bool:
    """Whether what listens here takes a TLS handshake, and so no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as plain, context.wrap_socket(plain):
            return True
    except OSError as error:  # which those of TLS are, and that it has not answered
        return "CERTIFICATE_REQUIRED" in str(error)


def when(ready: Callable[[], bool], what: str, log: Path) -> None:
    """Wait until it is so."""
    until = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < until, f"{what}\n{log.read_text(errors='replace')[-2000:]}"
        time.sleep(0.1)


@contextmanager
def started(typed: str, folder: Path, env: dict[str, str]) -> Iterator[tuple[int, Path]]:
    """A command of Dask in processes of its own; all of them are ended afterwards. Gives its id and where its words go."""
    words = shlex.split(typed)
    assert words[0] == "dask"
    log = folder / f"{words[1]}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words[1:]], stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=folder,
            env={**os.environ, **env}, start_new_session=True,
        )  # fmt: skip
    try:
        yield process.pid, log
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def certificates(folder: Path) -> dict[str, str]:
    """What the page puts into Dask's settings, as variables, for a key made here."""
    from distributed import Security

    made, key, cert = Security.temporary(), folder / "cluster-key.pem", folder / "cluster-cert.pem"
    key.write_text(made.tls_client_key, encoding="utf-8")
    cert.write_text(made.tls_client_cert, encoding="utf-8")
    roles = {f"TLS__{who}__{part}": str(file) for who in ("SCHEDULER", "WORKER", "CLIENT") for part, file in (("KEY", key), ("CERT", cert))}  # fmt: skip
    named = {"TLS__CA_FILE": str(cert), "REQUIRE_ENCRYPTION": "True", **roles}
    return {f"DASK_DISTRIBUTED__COMM__{name}": value for name, value in named.items()}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_the_page_has_a_recipe_for_this_machine_and_one_with_tls() -> None:
    assert [("tls" in scheduler, "tls" in workers) for scheduler, workers in recipes()] == [
        (False, False),
        (True, True),
    ]


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: "tls" if "tls" in recipe[0] else "tcp")
def test_nothing_listens_where_others_reach_it_but_with_tls(recipe: tuple[str, str], tmp_path: Path) -> None:
    """As written, but for ports, which may be taken, the scheduler's machine, which is this one, and one worker for four."""
    port, is_tls = free_port(), "tls" in recipe[0]
    scheduler, workers = (
        typed.replace("8786", str(port)).replace(":8787", ":0").replace("scheduler-machine", "127.0.0.1").replace("--nworkers 4", "--nworkers 1")
        for typed in recipe
    )  # fmt: skip
    env = certificates(tmp_path) if is_tls else {}
    with started(scheduler, tmp_path, env) as (first, first_log):
        when(lambda: len(listening(first)) >= 2, "a scheduler listens for workers, and serves HTTP", first_log)
        with started(workers, tmp_path, env) as (second, second_log):
            when(lambda: len(listening(second)) >= 3, "a nanny, its worker, and the worker's HTTP", second_log)
            found = listening(first) | listening(second)
            open_to_others = {at for address, at in found if not is_of_this_machine_alone(address)}
            assert {at for at in open_to_others if not speaks_tls(at)} == set(), "ports that others reach without a key"
    assert len(found) >= 5
    assert (port in open_to_others) == is_tls, "so that the check would see what is open"
