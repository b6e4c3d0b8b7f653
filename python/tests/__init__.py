"""Tests of the package; they run the program."""
