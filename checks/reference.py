"""Hidden states as transformers computes them: argv = model folder, waveform.npy, output.npy. Float32, CPU, no mask."""
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch
from transformers import AutoModel

folder, waveform, output = sys.argv[1:]
model = AutoModel.from_pretrained(folder, attn_implementation="eager").float().eval()
with torch.inference_mode():
    answer = model(torch.from_numpy(np.load(waveform)), output_hidden_states=True)
# The last entry is what follows the final norm. transformers 5 lists pre-norm models' raw sum there instead; 4.x, which MERT pins, doesn't.
states = [*answer.hidden_states[:-1], answer.last_hidden_state]
np.save(output, torch.stack(states).numpy())
