"""The command line: a subcommand a step; load, call, write."""
