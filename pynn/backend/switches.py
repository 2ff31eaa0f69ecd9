"""Switches of Keras that a Keras program may set, and what they mean here."""

from __future__ import annotations

import warnings

_flash_attention: bool | None = None
_traceback_filtering = True


def enable_flash_attention() -> None:
    """Allow fused attention; the engine decides, as from the start.

    >>> enable_flash_attention()
    >>> is_flash_attention_enabled() is None
    True
    """
    global _flash_attention
    _flash_attention = None


def disable_flash_attention() -> None:
    """Forbid fused attention.

    >>> disable_flash_attention()
    >>> is_flash_attention_enabled()
    False
    >>> enable_flash_attention()
    """
    global _flash_attention
    _flash_attention = False


def is_flash_attention_enabled() -> bool | None:
    """Return False if fused attention is forbidden, None if the engine decides.

    >>> is_flash_attention_enabled() is None
    True
    """
    return _flash_attention


def is_nnx_enabled() -> bool:
    """Whether variables are those of Flax NNX: never here.

    >>> is_nnx_enabled()
    False
    """
    return False


def enable_traceback_filtering() -> None:
    """Note that short tracebacks are wanted. pynn's are complete either way.

    >>> enable_traceback_filtering()
    >>> is_traceback_filtering_enabled()
    True
    """
    global _traceback_filtering
    _traceback_filtering = True


def disable_traceback_filtering() -> None:
    """Note that complete tracebacks are wanted, which pynn's always are.

    >>> disable_traceback_filtering()
    >>> is_traceback_filtering_enabled()
    False
    >>> enable_traceback_filtering()
    """
    global _traceback_filtering
    _traceback_filtering = False


def is_traceback_filtering_enabled() -> bool:
    """Return what was noted last.

    >>> is_traceback_filtering_enabled()
    True
    """
    return _traceback_filtering


def enable_unsafe_deserialization() -> None:
    """Warn that this has no effect: pynn never runs code that a file holds.

    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     enable_unsafe_deserialization()
    >>> len(caught)
    1
    """
    warnings.warn(
        "pynn.config.enable_unsafe_deserialization has no effect: pynn never runs code that a "
        "file holds. Register functions with @pynn.saving.register_keras_serializable()",
        stacklevel=2,
    )


def set_backend(backend: str) -> None:
    """Accept the name of the engine, which is the only backend.

    Raises:
        ValueError: any other name.

    >>> set_backend("pynn")
    """
    if backend != "pynn":
        raise ValueError(
            f"pynn.config.set_backend: expected 'pynn', the only backend; received {backend!r}"
        )
