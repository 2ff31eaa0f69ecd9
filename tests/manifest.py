"""How much of Keras's public API is there: per namespace, symbols and arguments.

`python tests/manifest.py` prints the table; with `--missing` the names as well. The signatures of
Keras are in keras-api.json, beside the checkout.
"""

import dataclasses
import importlib
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MANIFEST = Path(__file__).resolve().parents[2] / "shared" / "keras-api.json"


@dataclasses.dataclass
class Share:
    """What one namespace has, and what it lacks."""

    symbols: int = 0
    missing_symbols: list[str] = dataclasses.field(default_factory=list)
    arguments: int = 0
    missing_arguments: list[str] = dataclasses.field(default_factory=list)

    @property
    def of_symbols(self) -> float:
        """Share of Keras's names that are there, in percent."""
        return _percent(self.symbols, len(self.missing_symbols))

    @property
    def of_arguments(self) -> float:
        """Share of the arguments of those names that are accepted, in percent."""
        return _percent(self.arguments, len(self.missing_arguments))


def _percent(total: int, missing: int) -> float:
    return 100.0 * (total - missing) / total if total else 100.0


def shares(manifest: dict[str, Any], namespace: str) -> Share:
    """Compare one namespace of pynn with Keras's."""
    share = Share()
    present = _namespace(namespace)
    for name, entry in manifest["namespaces"][namespace].items():
        share.symbols += 1
        value = getattr(present, name, None) if present is not None else None
        if value is None:
            share.missing_symbols.append(name)
            continue
        accepted = _accepted(value)
        for argument in entry.get("signature") or []:
            if argument["kind"].startswith("VAR_"):
                continue
            share.arguments += 1
            if accepted is not None and argument["name"] not in accepted:
                share.missing_arguments.append(f"{name}({argument['name']})")
    return share


def _namespace(namespace: str) -> Any:
    """The module, or the object of that name in its parent; None if there is neither."""
    try:
        return importlib.import_module(".".join(["pynn", *filter(None, [namespace])]))
    except ImportError:
        return None


def _accepted(value: Any) -> set[str] | None:
    """Names of the parameters; None where any name goes."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters) and inspect.isclass(value):
        return None  # handed on to a base class, which says what it refuses
    return {p.name for p in parameters}


def table(manifest: dict[str, Any]) -> Iterator[tuple[str, Share]]:
    """The shares of every namespace that is in scope, sub-namespaces included."""
    for namespace in manifest["namespaces"]:
        if namespace.split(".")[0] in manifest["in_scope"]:
            yield namespace, shares(manifest, namespace)


def main() -> None:
    """Print the table."""
    manifest = json.loads(MANIFEST.read_text())
    print(f"{'namespace':28}{'symbols':>16}{'arguments':>18}")
    for namespace, share in table(manifest):
        have = share.symbols - len(share.missing_symbols)
        accepted = share.arguments - len(share.missing_arguments)
        print(
            f"{namespace or 'keras':28}{have:5}/{share.symbols:<4}{share.of_symbols:5.0f} %"
            f"{accepted:6}/{share.arguments:<5}{share.of_arguments:4.0f} %"
        )
        if "--missing" in sys.argv[1:]:
            for name in share.missing_symbols + share.missing_arguments:
                print(f"    {name}")


if __name__ == "__main__":
    main()
