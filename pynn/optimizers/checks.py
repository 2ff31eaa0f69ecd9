"""Checks of what optimizers are given."""

from __future__ import annotations

import warnings
from typing import Any


def check_settings(
    who: str,
    clips: list[float | None],
    ema_momentum: float | None,
    ema_overwrite_frequency: int | None,
    gradient_accumulation_steps: int | None,
) -> None:
    """Raises ValueError for settings that are out of range or exclude each other."""
    if sum(clip is not None for clip in clips) > 1:
        raise ValueError(
            f"{who}: expected at most one of clipnorm, clipvalue and global_clipnorm; "
            f"received clipnorm={clips[0]}, clipvalue={clips[1]}, global_clipnorm={clips[2]}"
        )
    if ema_momentum is not None and not 0 <= ema_momentum <= 1:
        raise ValueError(f"{who}: expected ema_momentum in [0, 1]; received {ema_momentum}")
    for argument, value, least in (
        ("ema_overwrite_frequency", ema_overwrite_frequency, 1),
        ("gradient_accumulation_steps", gradient_accumulation_steps, 2),
    ):
        if value and (not isinstance(value, int) or value < least):
            raise ValueError(
                f"{who}: expected {argument} to be an int >= {least}; received {value}"
            )


def without_missing(gradients: list[Any], variables: list[Any]) -> tuple[list[Any], list[Any]]:
    """Drops variables whose gradient is `None`, with one warning that names them."""
    missing = [v for g, v in zip(gradients, variables, strict=True) if g is None]
    if not missing:
        return gradients, variables
    names = [getattr(v, "path", None) or v.name for v in missing]
    if len(missing) == len(variables):
        raise ValueError(
            "pynn.optimizers: expected a gradient for at least one variable; "
            f"received none for {names}. Does the loss depend on them?"
        )
    warnings.warn(
        f"pynn.optimizers: the loss does not depend on {names}; they are not updated",
        stacklevel=3,
    )
    kept = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
    return [g for g, _ in kept], [v for _, v in kept]
