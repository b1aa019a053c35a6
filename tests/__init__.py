"""The project's tests, laid out as the code is."""
