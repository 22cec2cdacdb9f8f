"""The peer of the models: transformers' HubertModel on any device, as it comes or tuned (fused attention, fused AdamW).

{"load": HubertConfig's arguments, "threads": 2, "device": "cuda", "attention": "eager" | "sdpa", "fused": false} -> versions, device
{"forward": seconds, "batch": 4, "dtype": "float32" | "bfloat16", "weights": "cast" | "autocast", "runs": 5, "warm": 2} -> times
{"step": seconds, "batch": 4, "dtype": ..., "runs": 5, "warm": 2} -> times (forward, mean of squares, backward, AdamW)

Without "attention" transformers chooses its default. bfloat16 is autocast unless "weights" is "cast".
"""
from serve import ready, serve, times, torch
from transformers import HubertConfig, HubertModel

NO_DROPOUT = dict(hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, feat_proj_dropout=0.0, layerdrop=0.0,
                  apply_spec_augment=False)
NOT_OF_HUBERT = ("model_type", "sample_rate")

model, optimiser, device, rate = None, None, "cpu", 24000


def load(request):
    global model, optimiser, device, rate
    shape = request["load"]
    device, rate = request.get("device", "cpu"), shape["sample_rate"]
    torch.set_num_threads(request["threads"])
    torch.backends.cudnn.allow_tf32 = False
    config = HubertConfig(**{key: value for key, value in shape.items() if key not in NOT_OF_HUBERT}, **NO_DROPOUT,
                          **({"attn_implementation": request["attention"]} if "attention" in request else {}))
    model = HubertModel(config).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01,
                                  fused=True if request.get("fused") else None)
    return ready(device)


def noise(request, seconds):
    return torch.randn(request["batch"], rate * seconds, device=device) * 0.1


def autocast(enabled):
    return torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=enabled)


def forward(request):
    model.eval()
    half = request["dtype"] == "bfloat16"
    cast = half and request.get("weights") == "cast"
    model.to(torch.bfloat16 if cast else torch.float32)
    waveform = noise(request, request["forward"]).to(torch.bfloat16 if cast else torch.float32)

    def run():
        with torch.inference_mode(), autocast(half and not cast):
            model(waveform, output_hidden_states=True)

    answer = times(run, device, request["runs"], request["warm"])
    model.to(torch.float32)
    return answer


def step(request):
    model.train()
    waveform = noise(request, request["step"])

    def run():
        with autocast(request["dtype"] == "bfloat16"):
            loss = model(waveform).last_hidden_state.float().pow(2).mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return times(run, device, request["runs"], request["warm"])


serve({"load": load, "forward": forward, "step": step})
