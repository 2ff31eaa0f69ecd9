"""Every kernel against the machine's limit and against torch, NumPy and TensorFlow.

Run `python -m benchmarks.kernels --help`; `benchmarks/README.md` explains what is compared.
"""
