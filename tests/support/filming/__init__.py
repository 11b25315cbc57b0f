"""Animations made at random, and what their frames show: nothing here is of the worker's code."""
