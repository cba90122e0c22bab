"""Real servers without Docker: MariaDB, Postgres and S3, each started on a free port in a temporary folder.

Tests and `make run-servers` run against these. Every module has `serve()`, a context manager that finds the server's
programs or installs them, starts it, waits until it answers, and takes everything away again. A server that can
neither be found nor installed is a `Problem` that names the command which mends it, never a test passed over.

Data flow: programs of Debian or of a wheel -> process in a temporary folder -> URL

Run a command against all three: `python -m sandbox.servers make run`
"""
