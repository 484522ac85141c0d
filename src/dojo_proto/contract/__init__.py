"""The contract of the EPOS Data API: what the methods are and how each is treated."""

from dojo_proto.contract.methods import BY_NAME, METHODS, Kind, Method

__all__ = ["BY_NAME", "METHODS", "Kind", "Method"]
