"""Bytes and layers on disk by digest; `store.Store` is the way in."""
