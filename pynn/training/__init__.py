"""What `pynn.trainer` is made of: data, losses and metrics of a model, steps, the epoch loop."""
