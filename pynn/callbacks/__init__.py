"""Callbacks: what training calls at its beginnings and ends."""

from pynn.callbacks.callback import Callback
from pynn.callbacks.callback_list import CallbackList
from pynn.callbacks.csv_logger import CSVLogger
from pynn.callbacks.early_stopping import EarlyStopping
from pynn.callbacks.history import History
from pynn.callbacks.lambda_callback import LambdaCallback
from pynn.callbacks.learning_rate_scheduler import LearningRateScheduler
from pynn.callbacks.progbar_logger import ProgbarLogger
from pynn.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from pynn.callbacks.remote_monitor import RemoteMonitor
from pynn.callbacks.swap_ema_weights import SwapEMAWeights
from pynn.callbacks.tensorboard import TensorBoard
from pynn.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
