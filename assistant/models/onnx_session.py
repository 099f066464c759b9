"""Open an ONNX graph on the CPU."""

from __future__ import annotations

import ctypes
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

# From 1.29 on, ONNX Runtime's own wheels report to their maker which models a process opens, unless this is set.
OPT_OUT = {"ORT_DISABLE_TELEMETRY": "1"}
GRAPH = "model.onnx"
SIGNED = "signed.json"  # lies beside a graph of signed weights and says where they are: `tune/graphs/onnx_graph.py`
SIGN_BIT, TYPE_BIT = 0x80, 0x01  # that a weight's two forms differ in, and ONNX's UINT8 and INT8
VNNI = {"avx512_vnni", "avx_vnni"}
CPU_INFO = Path("/proc/cpuinfo")


def open_session(graph: Path | bytes, threads: int, spin: bool = False, arena: bool = True) -> Any:
    """Return a session of ONNX Runtime on a file or what is in one; 0 threads means one a physical core.

    Threads that `spin` while they wait start sooner, and take the cores from whatever else the machine does. Without an
    `arena`, memory is given back after each run: for inputs of ever other sizes, which it would be kept for.
    """
    os.environ.update(OPT_OUT)  # the library looks once, when it is loaded
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # for who loaded it before us
    model = graph if isinstance(graph, bytes) else str(graph)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = arena
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    _give_back_memory()
    return session


def _give_back_memory() -> None:
    """Return to the system what was used for a while: loading a graph takes its size once more, which glibc keeps."""
    with suppress(OSError, AttributeError):  # no glibc
        ctypes.CDLL(None).malloc_trim(0)


def open_graph(folder: Path, threads: int) -> Any:
    """Open a folder's graph; signed weights are made unsigned for a processor that would compute them wrongly."""
    wrong = (folder / SIGNED).is_file() and not has_vnni()
    return open_session(flipped(folder) if wrong else folder / GRAPH, threads)


def flipped(folder: Path) -> bytes:
    """Read a graph with its signed weights made unsigned, or the other way round."""
    import numpy as np

    places = json.loads((folder / SIGNED).read_text(encoding="utf-8"))
    model = np.fromfile(folder / GRAPH, np.uint8)
    model[places["types"]] ^= TYPE_BIT
    for start, end in places["weights"]:
        model[start:end] ^= SIGN_BIT
    return model.tobytes()


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
