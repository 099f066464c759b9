"""Open an ONNX graph on the CPU."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

# From 1.29 on, ONNX Runtime's own wheels report to their maker which models a process opens, unless this is set.
OPT_OUT = {"ORT_DISABLE_TELEMETRY": "1"}
GRAPH, SIGNED_GRAPH = "model.onnx", "model-signed.onnx"  # the same numbers: `prepare/signed_graph.py`
VNNI = {"avx512_vnni", "avx_vnni"}
CPU_INFO = Path("/proc/cpuinfo")


def open_session(path: Path, threads: int, spin: bool = False, arena: bool = True) -> Any:
    """Return a session of ONNX Runtime; 0 threads means one a physical core.

    Threads that `spin` while they wait start sooner, and take the cores from whatever else the machine does. Without an
    `arena`, memory is given back after each run: for inputs of ever other sizes, which it would be kept for.
    """
    os.environ.update(OPT_OUT)  # the library looks once, when it is loaded
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # for who loaded it before us
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = arena
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    _give_back_memory()
    return session


def _give_back_memory() -> None:
    """Return to the system what was used for a while: loading a graph takes its size once more, which glibc keeps."""
    with suppress(OSError, AttributeError):  # no glibc
        ctypes.CDLL(None).malloc_trim(0)


def fastest_graph(folder: Path) -> Path:
    """Return the graph of a model's folder that this processor runs faster; both give the same numbers."""
    signed = folder / SIGNED_GRAPH
    return signed if has_vnni() and signed.is_file() else folder / GRAPH


def has_vnni() -> bool:
    """Say whether the processor multiplies signed weights of 8 bits without cutting sums off; where unknown, no."""
    try:
        lines = CPU_INFO.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # not Linux
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not VNNI.isdisjoint(flags.split())


def physical_cores() -> int:
    """Count the cores this process may use; two threads of one core, where the system tells, count once."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text(encoding="ascii") if siblings.is_file() else str(cpu))
    return len(cores)
