"""Find a data file on this machine, else download it; trust it only when its hash is right."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class DataFile:
    """One file: its name, its exact size and the hash of its content."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """Files that belong together, the folder they lie in, and base URLs that serve them."""

    folder: str
    mirrors: Sequence[str]


class DamagedFileError(ValueError):
    """A data file whose content is not what was published."""


def cache_folder() -> Path:
    """`$PYNN_HOME/datasets`, or `~/.pynn/datasets`; it need not exist.

    >>> cache_folder().name
    'datasets'
    """
    home = os.environ.get("PYNN_HOME")
    return (Path(home) if home else Path.home() / ".pynn") / "datasets"


def find(data_set: DataSet, file: DataFile) -> Path | None:
    """Look for an intact copy of the file on this machine.

    Returns:
        Its path, or None. A damaged copy in the cache counts as none (a warning says so).

    Raises:
        DamagedFileError: a damaged copy in a folder that is not pynn's own to repair.
    """
    cached = cache_folder() / data_set.folder / file.name
    if cached.is_file():
        damage = _damage(cached, file)
        if not damage:
            return cached
        warnings.warn(f"pynn.datasets: ignoring {cached}: {damage}", stacklevel=3)
    for folder in _data_folders():
        path = folder / data_set.folder / file.name
        if path.is_file():
            damage = _damage(path, file)
            if damage:
                raise DamagedFileError(f"pynn.datasets: {path} is damaged or altered: {damage}")
            return path
    return None


def fetch(data_set: DataSet, file: DataFile) -> Path:
    """Return the path of an intact copy of the file, downloading it into the cache if need be.

    Raises:
        FileNotFoundError: no copy here and no mirror that delivers one; says what to put where.
        DamagedFileError: as in `find`.
    """
    import http.client  # late: it takes 20 ms to load, and most sessions never download

    found = find(data_set, file)
    if found is not None:
        return found
    target = cache_folder() / data_set.folder / file.name
    failures = []
    for mirror in data_set.mirrors:
        url = mirror + file.name
        try:
            _download(url, target, file)
        # A server that hangs up mid-answer raises HTTPException, everything else OSError.
        except (OSError, http.client.HTTPException, DamagedFileError) as error:
            failures.append(f"{url}: {error}")
        else:
            return target
    raise FileNotFoundError(
        f"pynn.datasets: expected {file.name} of {data_set.folder} on this machine or from a "
        f"mirror; received {'; '.join(failures)}. Put the file ({file.size} bytes, SHA-256 "
        f"{file.sha256}) at {target}, or set PYNN_DATA to a folder that contains "
        f"{data_set.folder}/{file.name}"
    )


def _data_folders() -> Iterator[Path]:
    chosen = os.environ.get("PYNN_DATA")
    if chosen:
        yield Path(chosen)
    for root in _checkout_roots():
        if (root / "pyproject.toml").is_file() and (root / "csrc").is_dir():
            yield root.parent / "shared" / "data"


def _checkout_roots() -> list[Path]:
    """Folders that may be a source checkout: the one above the package, and the current one."""
    return [Path(__file__).resolve().parents[2], Path.cwd()]


def _damage(path: Path, file: DataFile) -> str | None:
    """What is wrong with the copy at `path`, or None."""
    import hashlib  # late, as above

    size = path.stat().st_size
    if size != file.size:
        return f"expected {file.size} bytes; received {size}"
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return None if digest == file.sha256 else f"expected SHA-256 {file.sha256}; received {digest}"


def _download(url: str, target: Path, file: DataFile) -> None:
    """Write to a temporary file beside the target and rename, so no reader sees half a file."""
    import urllib.request  # late, as above

    target.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_file(target) as (stream, path):
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            _copy(response, stream, file)
        stream.flush()
        os.fsync(stream.fileno())
        damage = _damage(path, file)
        if damage:
            raise DamagedFileError(damage)
        os.replace(path, target)
    _sync_folder(target.parent)


def _copy(response: BinaryIO, stream: BinaryIO, file: DataFile) -> None:
    received = 0
    while chunk := response.read(_CHUNK_BYTES):
        received += len(chunk)
        if received > file.size:  # a wrong page could be endless
            raise DamagedFileError(f"expected {file.size} bytes; received more")
        stream.write(chunk)


@contextlib.contextmanager
def _temporary_file(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    import tempfile  # late, as above

    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where folders can be synced."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
