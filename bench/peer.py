"""The peer: transformers' HubertModel of the same shape, run on request so that both sides are timed in one run.

Reads one JSON request a line on stdin, answers one JSON line on stdout:
{"load": "95M" | "330M", "threads": 2} -> {"ready": version}
{"seconds": 5, "batch": 1, "rate": 24000, "autocast": false} -> {"wall_ms": ..., "cpu_ms": ...}
"""
import json
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
import transformers
from transformers import HubertConfig, HubertModel

SHAPES = {
    "95M": dict(num_conv_pos_embeddings=128),
    "330M": dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096,
                 do_stable_layer_norm=True, feat_extract_norm="group", num_conv_pos_embeddings=128),
}


def cpu_seconds():
    times = os.times()
    return times.user + times.system


model = None
for line in sys.stdin:
    request = json.loads(line)
    if "load" in request:
        torch.set_num_threads(request["threads"])
        model = HubertModel(HubertConfig(**SHAPES[request["load"]])).eval()
        answer = {"ready": f"torch {torch.__version__}, transformers {transformers.__version__}"}
    else:
        waveform = torch.randn(request["batch"], request["rate"] * request["seconds"]) * 0.1
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=request.get("autocast", False)):
            wall, cpu = time.perf_counter(), cpu_seconds()
            model(waveform, output_hidden_states=True)
            answer = {"wall_ms": 1000 * (time.perf_counter() - wall), "cpu_ms": 1000 * (cpu_seconds() - cpu)}
    print(json.dumps(answer), flush=True)
