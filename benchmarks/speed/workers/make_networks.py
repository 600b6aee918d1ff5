"""Write the weights that every entrant loads: plain state dicts, and our checkpoints.

    python make_networks.py --inputs DIR

Run by the harness in our environment, once a set of inputs.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from networks import LENGTHS, build, settle, weights_path
from own_networks import checkpoint_path, make_checkpoint

from bioseq_dl.train.checkpoint import write_checkpoint

RECORDS = 64


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=Path, required=True)
    inputs = parser.parse_args().inputs
    for seed, (name, length) in enumerate(LENGTHS.items()):
        torch.manual_seed(seed)
        codes = np.random.default_rng(seed).integers(0, 4, (RECORDS, length))
        columns = torch.from_numpy(np.eye(4, dtype=np.float32)[codes]).transpose(1, 2).contiguous()
        model = settle(build(name), columns)
        state = model.state_dict()
        torch.save(state, weights_path(inputs, name))
        write_checkpoint(checkpoint_path(inputs, name), make_checkpoint(name, state, length))


if __name__ == "__main__":
    main()
