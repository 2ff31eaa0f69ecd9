"""The same jobs in every framework: one module each.

A module has `OPS`, functions on the framework's own tensors by the name of the op (see
`workloads.py`), and

- `start(threads)`: limits the framework to that many threads; called before any job.
- `version()`: name and version, for the table.
- `tensor(array)`: a tensor with the values of a NumPy array (float32 arrays stand for "bfloat16").
- `array(result)`: a result as a NumPy array.

An op that is missing is not compared with this framework.
"""
