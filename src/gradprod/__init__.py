"""Exact gradient products of recurrent networks."""
