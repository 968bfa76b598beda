"""One file for each command of the command line; heavy imports stand inside the functions."""
