"""The peer in PyTorch on any device: transformers' HubertModel as it comes, and a tuned one (fused attention, fused AdamW).

Reads one JSON request a line on stdin, answers one JSON line on stdout:
{"load": "95M", "threads": 2, "device": "cuda", "attention": "eager" | "sdpa", "fused": false} -> {"ready": versions, "device": name}
{"forward": 5, "batch": 4, "dtype": "float32" | "bfloat16", "runs": 5, "weights": "cast" | "autocast"} -> {"wall_ms": [...]}
{"step": 5, "batch": 4, "dtype": ..., "runs": 5} -> {"wall_ms": [...], "cpu_ms": [...]}   (forward, mean of squares, backward, AdamW)
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
NO_DROPOUT = dict(hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, feat_proj_dropout=0.0, layerdrop=0.0,
                  apply_spec_augment=False)
RATE = 24000


def cpu_ms():
    times = os.times()
    return 1000 * (times.user + times.system)


def settle(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def measure(work, runs, device, warm=2):
    walls, cpus = [], []
    for run in range(runs + warm):
        settle(device)
        wall, cpu = time.perf_counter(), cpu_ms()
        work()
        settle(device)
        if run >= warm:
            walls.append(1000 * (time.perf_counter() - wall))
            cpus.append(cpu_ms() - cpu)
    return {"wall_ms": walls, "cpu_ms": cpus}


model, optimiser, device = None, None, "cpu"
for line in sys.stdin:
    request = json.loads(line)
    if "load" in request:
        device = request.get("device", "cpu")
        torch.set_num_threads(request["threads"])
        torch.backends.cudnn.allow_tf32 = False
        config = HubertConfig(**SHAPES[request["load"]], **NO_DROPOUT, attn_implementation=request.get("attention", "eager"))
        model = HubertModel(config).to(device)
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01,
                                      fused=True if request.get("fused") else None)
        answer = {"ready": f"torch {torch.__version__}, transformers {transformers.__version__}",
                  "device": torch.cuda.get_device_name() if device.startswith("cuda") else "cpu"}
    elif "forward" in request:
        model.eval()
        half = request["dtype"] == "bfloat16"
        cast = half and request.get("weights") == "cast"
        model.to(torch.bfloat16 if cast else torch.float32)
        waveform = torch.randn(request["batch"], RATE * request["forward"], device=device) * 0.1
        waveform = waveform.to(torch.bfloat16) if cast else waveform

        def forward():
            with torch.inference_mode(), torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=half and not cast):
                model(waveform, output_hidden_states=True)

        answer = measure(forward, request["runs"], device)
        model.to(torch.float32)
    else:
        model.train()
        half = request["dtype"] == "bfloat16"
        waveform = torch.randn(request["batch"], RATE * request["step"], device=device) * 0.1

        def step():
            with torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=half):
                loss = model(waveform).last_hidden_state.float().pow(2).mean()
            loss.backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

        answer = measure(step, request["runs"], device, request.get("warm", 2))
    print(json.dumps(answer), flush=True)
