"""CUDA forms of the kernels: sources, and the Python that compiles and launches them.

Importing anything here needs neither a device nor CuPy.
"""
