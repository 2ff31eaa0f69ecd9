"""Schedules: formulas in float64, inside compiled steps, settings, configs."""

import math

import numpy as np
import pytest

import pynn
from pynn import optimizers
from pynn.optimizers import schedules

FORMULAS = [
    (schedules.ExponentialDecay(0.1, 20, 0.5), lambda t: 0.1 * 0.5 ** (t / 20)),
    (schedules.ExponentialDecay(0.1, 20, 0.5, staircase=True), lambda t: 0.1 * 0.5 ** (t // 20)),
    (schedules.InverseTimeDecay(0.1, 20, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 20)),
    (schedules.InverseTimeDecay(0.1, 20, 2, staircase=True), lambda t: 0.1 / (1 + 2 * (t // 20))),
    (schedules.PolynomialDecay(0.1, 20, 0.0, 2), lambda t: 0.1 * (1 - min(t, 20) / 20) ** 2),
    (
        schedules.PolynomialDecay(0.1, 20, 0.0, cycle=True),
        lambda t: 0.1 * (1 - t / (20 * max(1, math.ceil(t / 20)))),
    ),
    (
        schedules.PiecewiseConstantDecay([3, 9], [1, 0.5, 0.25]),
        lambda t: 1.0 if t <= 3 else 0.5 if t <= 9 else 0.25,
    ),
    (
        schedules.CosineDecay(0.0, 20, 0.5, warmup_target=0.2, warmup_steps=4),
        lambda t: (
            0.05 * t
            if t < 4
            else 0.2 * (0.25 * (1 + math.cos(math.pi * min(t - 4, 20) / 20)) + 0.5)
        ),
    ),
    (
        schedules.CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.5),
        lambda t: 0.1 * 0.5 ** (t // 10) * 0.5 * (1 + math.cos(math.pi * (t % 10) / 10)),
    ),
]
EACH = pytest.mark.parametrize(("schedule", "formula"), FORMULAS)


@EACH
def test_formula(schedule, formula):
    for step in range(60):
        np.testing.assert_allclose(float(schedule(step)), formula(step), rtol=1e-5, atol=1e-7)


@EACH
def test_every_step_of_a_compiled_fit_has_its_rate(schedule, formula):
    model = pynn.Sequential([pynn.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    # The loss has gradient -1, so that the weight adds up the rates.
    model.compile(optimizers.SGD(schedule), loss=lambda y, p: -pynn.ops.mean(p))
    model.fit(np.ones((60, 1)), np.ones((60, 1)), batch_size=2, epochs=1, verbose=0)
    expected = sum(formula(step) for step in range(30))
    np.testing.assert_allclose(model.get_weights()[0], [[expected]], rtol=1e-5)


def test_restarts_double_and_shrink():
    rate = schedules.CosineDecayRestarts(0.4, 10, m_mul=0.5)
    seen = [float(rate(step)) for step in (0, 10, 30, 70)]
    np.testing.assert_allclose(seen, [0.4, 0.2, 0.1, 0.05], rtol=1e-5)
    assert float(rate(29)) < 0.01


def test_a_whole_number_is_a_rate():
    assert float(schedules.ExponentialDecay(1, 2, 0.5)(1)) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in FORMULAS])
def test_config_round_trip(schedule):
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()


WITHOUT_RATE = ("Optimizer", "OptimizerMap", "LossScaleOptimizer", "MultiOptimizer")
CLASSES = [
    getattr(optimizers, name)
    for name in optimizers.__all__
    if name[0].isupper() and name not in WITHOUT_RATE
]


@pytest.mark.parametrize("cls", CLASSES)
def test_config_of_every_optimizer_with_a_schedule(cls):
    optimizer = cls(schedules.PolynomialDecay(0.1, 10))
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == pytest.approx(0.1)


def test_changing_a_schedule_between_fits_counts():
    schedule = schedules.PiecewiseConstantDecay([100], [1.0, 1.0])
    model = pynn.Sequential([pynn.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    optimizer = optimizers.SGD(schedule)
    model.compile(optimizer, loss=lambda y, p: -pynn.ops.mean(p))
    x = np.ones((4, 1))
    model.fit(x, x, batch_size=2, verbose=0)
    optimizer.learning_rate = schedules.ExponentialDecay(0.5, 1, 1.0)
    model.fit(x, x, batch_size=2, verbose=0)
    assert model.get_weights()[0].item() == 3.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: schedules.CosineDecay(0.1, 0), "CosineDecay: expected decay_steps > 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps > 0"),
        (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), "one boundary less"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [1, 2, 3]), "ascending"),
        (lambda: schedules.deserialize("CosineDekay"), "did you mean"),
        (
            lambda: schedules.deserialize({"class_name": "PolynomDecay", "config": {}}),
            "did you mean",
        ),
    ],
)
def test_what_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
