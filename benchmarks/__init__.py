"""What the budgets promise, measured: `python -m benchmarks`."""
