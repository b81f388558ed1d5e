"""Measures audit and repair by faults injected into right programs: `python -m benchmarks.repair`."""
