"""What the peers share: times of a piece of work, and a loop that answers a JSON line on stdin with one on stdout."""
import json
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
import transformers


def cpu_ms():
    times = os.times()
    return 1000 * (times.user + times.system)


def synchronize(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def times(work, device="cpu", runs=1, warm=0):
    """Wall and CPU milliseconds of `runs` calls, after `warm` calls that are not counted."""
    walls, cpus = [], []
    for run in range(warm + runs):
        synchronize(device)
        wall, cpu = time.perf_counter(), cpu_ms()
        work()
        synchronize(device)
        if run >= warm:
            walls.append(1000 * (time.perf_counter() - wall))
            cpus.append(cpu_ms() - cpu)
    return {"wall_ms": walls, "cpu_ms": cpus}


def ready(device="cpu"):
    """The answer to the first request."""
    return {
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else "cpu",
    }


def serve(handlers):
    """Answers requests for ever; a request's first key names its handler."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(handlers[next(iter(request))](request)), flush=True)
