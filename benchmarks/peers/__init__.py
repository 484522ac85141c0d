"""The contestants: each dials the load and serves it as a good user of that library would.

Each module has `serve(port, loop)`. They decode into the contract's own type, answer from the same
orders, and run one task, or one thread of a pool, for each request.
"""
