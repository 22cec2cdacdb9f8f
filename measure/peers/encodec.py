"""The peer of EnCodec: transformers' EncodecModel, batch 1, 6 kbit/s (8 codebooks).

{"create": FOLDER, "threads": 2} -> versions, device; writes a random model of the published shape there, for both sides
{"encode": WAVE.npy, "codes": CODES.npy} -> times of one run
"""
import numpy as np
from serve import ready, serve, times, torch
from transformers import EncodecConfig, EncodecModel

model = None


def create(request):
    global model
    torch.set_num_threads(request["threads"])
    torch.manual_seed(1)
    model = EncodecModel(EncodecConfig()).eval()
    with torch.inference_mode():
        # The codebooks of a fresh model are zero. Here each stage's entries lie near the residuals of real embeddings.
        noise = torch.cat([torch.randn(1, 1, 48000) * s for s in (0.02, 0.1, 0.4)], 2)
        residual = model.encoder(noise)[0].T
        for layer in model.quantizer.layers:
            book = layer.codebook
            rows = torch.randint(0, residual.shape[0], (book.embed.shape[0],))
            book.embed.copy_(residual[rows] + 0.1 * residual.std() * torch.randn(book.embed.shape))
            residual = residual - book.decode(book.encode(residual[None]))[0]
    model.save_pretrained(request["create"])
    return ready()


def encode(request):
    wave = torch.from_numpy(np.load(request["encode"])).reshape(1, 1, -1)
    codes = None

    def run():
        nonlocal codes
        with torch.inference_mode():
            codes = model.encode(wave, bandwidth=6.0).audio_codes

    answer = times(run)
    np.save(request["codes"], codes.reshape(codes.shape[-2], codes.shape[-1]).numpy().astype(np.int32))
    return answer


serve({"create": create, "encode": encode})
