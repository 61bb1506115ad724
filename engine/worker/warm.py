"""Imports what a run may need, before there is one; elsewhere these modules are imported when they are used.

Nothing here starts a thread: a process with several cannot enter its namespaces.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import subprocess
import traceback

import engine.definition.evaluate
import engine.definition.load
import engine.definition.needed_parameters
import engine.execution.host_skeleton
import engine.execution.local_run
import engine.images.configuration
import engine.snapshot.content
import engine.snapshot.write_tree
import engine.store.cache_index
import engine.store.canonical
import engine.store.capture
import engine.usage

IMPORTED = (
    asyncio,
    concurrent.futures.ThreadPoolExecutor,  # the module is loaded when its name is asked for
    ctypes,
    subprocess,
    traceback,
    engine.definition.evaluate,
    engine.definition.load,
    engine.definition.needed_parameters,
    engine.execution.host_skeleton,
    engine.execution.local_run,
    engine.images.configuration,
    engine.snapshot.content,
    engine.snapshot.write_tree,
    engine.store.cache_index,
    engine.store.canonical,
    engine.store.capture,
    engine.usage,
)
