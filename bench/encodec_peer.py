"""The peer: transformers' EncodecModel, run on request so that both sides are timed in one run.

Reads one JSON request a line on stdin, answers one JSON line on stdout:
{"create": FOLDER, "threads": 2} -> {"ready": version}; writes a random model of the published shape there, for both sides
{"encode": WAVE.npy, "codes": CODES.npy} -> {"wall_ms": ..., "cpu_ms": ...}; batch 1, 6 kbit/s (8 codebooks)
"""
import json
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import numpy as np
import torch
import transformers
from transformers import EncodecConfig, EncodecModel


def cpu_seconds():
    times = os.times()
    return times.user + times.system


model = None
for line in sys.stdin:
    request = json.loads(line)
    if "create" in request:
        torch.set_num_threads(request["threads"])
        torch.manual_seed(1)
        model = EncodecModel(EncodecConfig()).eval()
        with torch.inference_mode():
            # Codebooks are zero in a fresh model: entries near real embeddings, each stage on what the ones before leave.
            noise = torch.cat([torch.randn(1, 1, 48000) * s for s in (0.02, 0.1, 0.4)], 2)
            residual = model.encoder(noise)[0].T
            for layer in model.quantizer.layers:
                book = layer.codebook
                rows = torch.randint(0, residual.shape[0], (book.embed.shape[0],))
                book.embed.copy_(residual[rows] + 0.1 * residual.std() * torch.randn(book.embed.shape))
                residual = residual - book.decode(book.encode(residual[None]))[0]
        model.save_pretrained(request["create"])
        answer = {"ready": f"torch {torch.__version__}, transformers {transformers.__version__}"}
    else:
        wave = torch.from_numpy(np.load(request["encode"])).reshape(1, 1, -1)
        with torch.inference_mode():
            wall, cpu = time.perf_counter(), cpu_seconds()
            codes = model.encode(wave, bandwidth=6.0).audio_codes
            answer = {"wall_ms": 1000 * (time.perf_counter() - wall), "cpu_ms": 1000 * (cpu_seconds() - cpu)}
        np.save(request["codes"], codes.reshape(codes.shape[-2], codes.shape[-1]).numpy().astype(np.int32))
    print(json.dumps(answer), flush=True)
