"""Compiled equals eager, bit for bit: every layer, loss, metric and optimizer that pynn exports.

The tables below name what each class is tried with; a public class that is in none of them fails
`test_every_public_class_has_a_case`. Own code of users is compared in test_custom_code.py.
"""

import inspect

import numpy as np
import pytest
from checks import CASES as LAYER_CASES
from checks import MASK_ENDS

import pynn
from pynn import layers, losses, metrics, optimizers

ROWS, FEATURES, CLASSES = 22, 6, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, FEATURES)).astype("float32")
WEIGHTS = RNG.uniform(0.5, 1.5, ROWS).astype("float32")
LABELS = RNG.integers(0, CLASSES, ROWS)
# Targets by kind, and the activation of the outputs that they are compared with.
TARGETS = {
    "labels": (LABELS, "softmax"),
    "one_hot": (np.eye(CLASSES, dtype="float32")[LABELS], "softmax"),
    "bits": (RNG.integers(0, 2, (ROWS, CLASSES)).astype("float32"), "sigmoid"),
    "signs": (RNG.choice([-1.0, 1.0], (ROWS, CLASSES)).astype("float32"), "tanh"),
    "reals": (RNG.normal(size=(ROWS, CLASSES)).astype("float32"), None),
    "positive": (RNG.uniform(0.5, 2.0, (ROWS, CLASSES)).astype("float32"), "softplus"),
}


def public_classes(namespace, base):
    """The names of the classes of a namespace, without aliases and without the base class."""
    names = getattr(namespace, "__all__", vars(namespace))
    found = [getattr(namespace, name) for name in names]
    return {
        cls.__name__
        for cls in found
        if inspect.isclass(cls) and issubclass(cls, base) and cls is not base
    }


# Kind of targets -> classes, with arguments where the defaults would not do.
LOSSES = {
    "labels": {
        "CategoricalGeneralizedCrossEntropy": {"q": 0.7},
        "Circle": {"gamma": 2.0},
        "SparseCategoricalCrossentropy": {},
    },
    "one_hot": {
        "CategoricalCrossentropy": {"label_smoothing": 0.1},
        "CategoricalFocalCrossentropy": {},
        "CategoricalHinge": {},
        "KLDivergence": {},
    },
    "bits": {
        "BinaryCrossentropy": {"label_smoothing": 0.1},
        "BinaryFocalCrossentropy": {},
        "Dice": {},
        "Tversky": {"alpha": 0.3, "axis": 1},
    },
    "signs": {"Hinge": {}, "SquaredHinge": {}},
    "reals": {
        "CosineSimilarity": {},
        "Huber": {"delta": 0.5},
        "LogCosh": {},
        "LossFunctionWrapper": {"fn": losses.mean_squared_error},
        "MeanAbsoluteError": {"reduction": "sum"},
        "MeanAbsolutePercentageError": {},
        "MeanSquaredError": {"reduction": "mean_with_sample_weight"},
    },
    "positive": {"MeanSquaredLogarithmicError": {}, "Poisson": {}},
}
METRICS = {
    "labels": {
        "MeanIoU": {"num_classes": CLASSES, "sparse_y_pred": False, "dtype": "float32"},
        "IoU": {
            "num_classes": CLASSES,
            "target_class_ids": [1],
            "sparse_y_pred": False,
            "dtype": "float32",
        },
        "SparseCategoricalAccuracy": {},
        "SparseCategoricalCrossentropy": {},
        "SparseTopKCategoricalAccuracy": {"k": 2},
    },
    "one_hot": {
        "CategoricalAccuracy": {},
        "CategoricalCrossentropy": {"label_smoothing": 0.1},
        "CategoricalHinge": {},
        "F1Score": {"average": "macro"},
        "KLDivergence": {},
        "OneHotIoU": {"num_classes": CLASSES, "target_class_ids": [0, 2], "dtype": "float32"},
        "OneHotMeanIoU": {"num_classes": CLASSES, "dtype": "float32"},
        "TopKCategoricalAccuracy": {"k": 2},
    },
    "bits": {
        "AUC": {"multi_label": True, "curve": "PR"},
        "Accuracy": {},
        "BinaryAccuracy": {"threshold": 0.4},
        "BinaryCrossentropy": {},
        "BinaryIoU": {"dtype": "float32"},
        "FBetaScore": {"beta": 2.0, "threshold": 0.5, "average": "weighted"},
        "FalseNegatives": {"thresholds": [0.3, 0.6]},
        "FalsePositives": {},
        "Precision": {"top_k": 2},
        "PrecisionAtRecall": {"recall": 0.5},
        "Recall": {"class_id": 1},
        "RecallAtPrecision": {"precision": 0.3},
        "SensitivityAtSpecificity": {"specificity": 0.5},
        "SpecificityAtSensitivity": {"sensitivity": 0.5, "num_thresholds": 20},
        "TrueNegatives": {"thresholds": [0.0, 0.5, 1.0]},
        "TruePositives": {},
    },
    "signs": {"Hinge": {}, "SquaredHinge": {}},
    "reals": {
        "ConcordanceCorrelation": {},
        "CosineSimilarity": {},
        "LogCoshError": {},
        "MeanAbsoluteError": {},
        "MeanAbsolutePercentageError": {},
        "MeanMetricWrapper": {"fn": metrics.mean_squared_error},
        "MeanSquaredError": {},
        "PearsonCorrelation": {},
        "R2Score": {"num_regressors": 3},
        "RootMeanSquaredError": {},
    },
    "positive": {"MeanSquaredLogarithmicError": {}, "Poisson": {}},
}
# Losses of outputs (batch, time, classes).
LOSSES_OF_SEQUENCES = {"CTC"}
# Metrics of one argument: given the outputs by a layer.
METRICS_OF_VALUES = {"Mean", "Sum"}
OPTIMIZERS = {
    "SGD": {"momentum": 0.9, "nesterov": True},
    "Adadelta": {},
    "Adafactor": {},
    "Adagrad": {},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "Adamax": {},
    "Ftrl": {"l1_regularization_strength": 0.01},
    "Lamb": {},
    "Lion": {},
    "LossScaleOptimizer": {},
    "MultiOptimizer": {},
    "Muon": {},
    "Nadam": {},
    "RMSprop": {"momentum": 0.5, "centered": True},
    "ScheduleFreeAdamW": {"warmup_steps": 2},
}
AROUND = {
    "plain": {},
    "averaged": {
        "clipnorm": 0.1,
        "weight_decay": 0.1,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
    },
    "accumulating": {"gradient_accumulation_steps": 2, "global_clipnorm": 0.1, "use_ema": True},
    "scaled": {"clipvalue": 0.05, "loss_scale_factor": 8.0},
}
REGULARIZERS = {
    "L1": {},
    "L1L2": {"l1": 0.01, "l2": 0.02},
    "L2": {},
    "OrthogonalRegularizer": {"mode": "columns"},
}
CONSTRAINTS = {
    "MaxNorm": {"max_value": 0.5},
    "MinMaxNorm": {"min_value": 0.2, "max_value": 0.6, "rate": 0.5},
    "NonNeg": {},
    "UnitNorm": {},
}
NAMESPACES = {
    "losses": (
        losses,
        losses.Loss,
        {n for kind in LOSSES.values() for n in kind} | LOSSES_OF_SEQUENCES,
    ),
    "metrics": (
        metrics,
        metrics.Metric,
        {n for kind in METRICS.values() for n in kind} | METRICS_OF_VALUES,
    ),
    "optimizers": (optimizers, optimizers.Optimizer, set(OPTIMIZERS)),
    "regularizers": (pynn.regularizers, pynn.regularizers.Regularizer, set(REGULARIZERS)),
    "constraints": (pynn.constraints, pynn.constraints.Constraint, set(CONSTRAINTS)),
    "layers": (layers, layers.Layer, {c.id.partition("-")[0] for c in LAYER_CASES}),
}


@pytest.mark.parametrize("name", NAMESPACES)
def test_every_public_class_has_a_case(name):
    namespace, base, tried = NAMESPACES[name]
    assert public_classes(namespace, base) - {"InputLayer", "Wrapper"} == tried


def dense(outputs=None, **first):
    """A network with the activation `outputs`, whose first layer has the settings `first`."""
    first = {"activation": "tanh", **first}
    return pynn.Sequential(
        [
            pynn.Input((FEATURES,)),
            layers.Dense(8, **first),
            layers.Dropout(0.2),
            layers.Dense(CLASSES, activation=outputs),
        ]
    )


def bits(structure):
    return pynn.tree.map_structure(lambda a: np.asarray(a).tobytes(), structure)


def run(make, eager, x=X, y=None, sample_weight=WEIGHTS):
    """All that training, evaluation and prediction leave behind, as bytes.

    `make` returns a model and the settings to compile it with; `eager` steps run as Python.
    """
    pynn.utils.clear_session()
    pynn.utils.set_random_seed(3)
    model, settings = make()
    settings = {"optimizer": optimizers.SGD(0.05), "loss": "mse", **settings}
    model.compile(**settings, run_eagerly=eager)
    fitted = {"batch_size": 8, "epochs": 2, "sample_weight": sample_weight, "verbose": 0}
    history = model.fit(x, y, validation_data=(x, y), **fitted).history
    assert np.isfinite(history["loss"]).all(), "NaN equals NaN: that would show nothing"
    assert (len(model._trainer_state.steps) == 0) == eager, "some step ran in the wrong way"
    assert not model._trainer_state.eager_phases
    variables = [*model.variables, *model.optimizer.variables]
    variables += [v for metric in model.metrics for v in metric.variables]
    return {
        "history": bits(history),
        "variables": [(v.path, v.numpy().tobytes()) for v in variables],
        "evaluated": bits(model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)),
        "trained": bits(model.train_on_batch(x, y, sample_weight, return_dict=True)),
        "predicted": bits(model.predict(x, batch_size=8, verbose=0)),
    }


def compare(make, **data):
    compiled, eager = run(make, False, **data), run(make, True, **data)
    for what in compiled:
        assert compiled[what] == eager[what], what


@pytest.mark.filterwarnings(f"ignore:{MASK_ENDS}")
@pytest.mark.parametrize("case", LAYER_CASES, ids=lambda case: case.id)
def test_layer(case):
    def make():
        inputs = case.symbolic()
        hidden = layers.Flatten()(case.make()(inputs))
        return pynn.Model(inputs, layers.Dense(2)(hidden)), {"metrics": ["mae"]}

    compare(make, x=case.inputs(batch=ROWS), y=TARGETS["reals"][0][:, :2])


def rows_of(table):
    return [
        pytest.param(kind, name, arguments, id=name)
        for kind, classes in table.items()
        for name, arguments in classes.items()
    ]


@pytest.mark.parametrize(("kind", "name", "arguments"), rows_of(LOSSES))
def test_loss(kind, name, arguments):
    y, activation = TARGETS[kind]
    compare(lambda: (dense(activation), {"loss": getattr(losses, name)(**arguments)}), y=y)


@pytest.mark.parametrize("name", sorted(LOSSES_OF_SEQUENCES))
def test_loss_of_sequences(name):
    def make():
        model = pynn.Sequential(
            [pynn.Input((FEATURES,)), layers.Dense(7 * CLASSES), layers.Reshape((7, CLASSES))]
        )
        return model, {"loss": getattr(losses, name)()}

    labels = np.stack([LABELS % 3 + 1, np.where(LABELS > 1, LABELS, 0)], axis=1)
    compare(make, y=labels)


@pytest.mark.parametrize(("kind", "name", "arguments"), rows_of(METRICS))
def test_metric(kind, name, arguments):
    y, activation = TARGETS[kind]

    def make():
        plain, weighted = (getattr(metrics, name)(**arguments) for _ in range(2))
        loss = "sparse_categorical_crossentropy" if kind == "labels" else "mse"
        return dense(activation), {"loss": loss, "metrics": [plain], "weighted_metrics": [weighted]}

    compare(make, y=y)


class Watched(layers.Layer):
    """Keeps a metric of what passes through it."""

    def __init__(self, cls):
        super().__init__()
        self.metric = cls(name="passed")

    def call(self, inputs):
        self.metric.update_state(inputs)
        return inputs


@pytest.mark.parametrize("name", sorted(METRICS_OF_VALUES))
def test_metric_of_values(name):
    def make():
        watched = Watched(getattr(metrics, name))
        return pynn.Sequential([pynn.Input((FEATURES,)), layers.Dense(CLASSES), watched]), {}

    compare(make, y=TARGETS["reals"][0])


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name, around):
    def make():
        settings = {"learning_rate": 0.05, **OPTIMIZERS[name], **AROUND[around]}
        if name == "LossScaleOptimizer":
            inner = optimizers.Adam(**settings)
            # Too large at first, so that some steps are left out.
            optimizer = optimizers.LossScaleOptimizer(inner, 2.0**127, dynamic_growth_steps=2)
        elif name == "MultiOptimizer":
            chosen = {".*bias": optimizers.Adam(**settings)}
            optimizer = optimizers.MultiOptimizer(
                optimizers.OptimizerMap(optimizers.SGD(**settings), chosen)
            )
        else:
            optimizer = getattr(optimizers, name)(**settings)
        return dense(kernel_constraint="max_norm"), {"optimizer": optimizer}

    compare(make, y=TARGETS["reals"][0])


@pytest.mark.parametrize("name", REGULARIZERS)
def test_regularizer(name):
    def make():
        regularizer = getattr(pynn.regularizers, name)(**REGULARIZERS[name])
        return dense(kernel_regularizer=regularizer), {}

    compare(make, y=TARGETS["reals"][0])


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraint(name):
    def make():
        constraint = getattr(pynn.constraints, name)(**CONSTRAINTS[name])
        return dense(kernel_constraint=constraint), {}

    compare(make, y=TARGETS["reals"][0])


ACTIVATIONS = [
    name
    for name, function in vars(pynn.activations).items()
    if inspect.isfunction(function)
    and function.__module__ == pynn.activations.__name__
    and not name.startswith("_")
    and name not in ("get", "serialize", "deserialize")
]


def activation_named(name):
    function = getattr(pynn.activations, name)
    return (lambda x: function(x, 0.1, -0.2)) if name == "threshold" else function


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    def make():
        # Not as an argument of a layer, whose output has the shape of its input: `glu` halves it.
        inputs = pynn.Input((FEATURES,))
        hidden = activation_named(name)(layers.Dense(8)(inputs))
        return pynn.Model(inputs, layers.Dense(CLASSES)(hidden)), {}

    compare(make, y=TARGETS["reals"][0])


@pytest.mark.parametrize(
    "policy", ["float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"]
)
def test_policy(policy):
    def make():
        before = pynn.config.dtype_policy()
        pynn.config.set_dtype_policy(policy)
        try:
            return dense(kernel_regularizer="l2"), {"optimizer": "adam", "metrics": ["mae"]}
        finally:
            pynn.config.set_dtype_policy(before)

    compare(make, y=TARGETS["reals"][0])


def test_several_outputs():
    def make():
        inputs = pynn.Input((FEATURES,))
        hidden = layers.Dropout(0.1)(layers.Dense(8, activation="relu")(inputs))
        kind = layers.Dense(CLASSES, activation="softmax", name="kind")(hidden)
        size = layers.Dense(CLASSES, name="size", activity_regularizer="l2")(hidden)
        return pynn.Model(inputs, {"kind": kind, "size": size}), {
            "loss": {"kind": "sparse_categorical_crossentropy", "size": "huber"},
            "loss_weights": {"kind": 0.25, "size": 2.0},
            "metrics": {"kind": ["accuracy"], "size": ["mae", "mse"]},
            "weighted_metrics": {"kind": ["accuracy"]},
        }

    compare(make, y={"kind": LABELS, "size": TARGETS["reals"][0]})
