"""Models: layers that can be trained."""

from pynn.models.cloning import clone_model
from pynn.models.functional import Functional
from pynn.models.model import Model, model_from_json
from pynn.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "model_from_json"]
