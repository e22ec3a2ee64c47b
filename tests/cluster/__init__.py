"""What the tests of several processes share: nodes, a database server of their own, visitors, people, the books.

Python's standard library only. Everything listens on this machine alone, is bounded in time, and is stopped by those
who started it, by process id.
"""
