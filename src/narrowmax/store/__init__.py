"""What is kept on disk: atomic files and folders, digests, strict JSON, a cache by content."""

from narrowmax.store.cache import Store, cache_folder
from narrowmax.store.digests import code_digest, digest
from narrowmax.store.files import atomic_folder, atomic_write, check_file, check_folder, storing, sweep
from narrowmax.store.machine import machine, versions
from narrowmax.store.records import check_record, dump, dumps, load, loads, plain

__all__ = [
    "Store",
    "atomic_folder",
    "atomic_write",
    "cache_folder",
    "check_file",
    "check_folder",
    "check_record",
    "code_digest",
    "digest",
    "dump",
    "dumps",
    "load",
    "loads",
    "machine",
    "plain",
    "storing",
    "sweep",
    "versions",
]
