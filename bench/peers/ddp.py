"""One rank of PyTorch DDP (gloo, one thread) training the model of vit.py: the peer of bench/lib/vit-rank.mjs.

Answers lines of JSON: {"kind": "listen", "rank"} with {"port"} (rank 0 opens the rendezvous on a free port of 127.0.0.1),
{"kind": "join", "rank", "ports", "ask"} with {"parameters"}, then any number of {"kind": "steps", "count"} with
{"milliseconds", "loss"}. A step is forward, backward, all-reduce and AdamW on this rank's images.
"""

import json
import sys
import time
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from vit import Vit  # Sets PyTorch to one thread.

TIMEOUT = timedelta(seconds=60)
HOST = "127.0.0.1"


def join(ask: dict, rank: int, world_size: int):
    torch.manual_seed(1)
    config = ask["config"]
    model = Vit(config["width"], config["depth"], config["heads"], config["tokens"], config["patch"])
    ddp = DistributedDataParallel(model, gradient_as_bucket_view=True)
    # The fastest form of AdamW that PyTorch has on a CPU.
    optimizer = torch.optim.AdamW(ddp.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    torch.manual_seed(rank)
    images = ask["imagesPerRank"]
    patches = torch.randn(images, config["tokens"], config["patch"])
    labels = torch.randint(0, 10, (images,))

    def step() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(ddp(patches), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, sum(parameter.numel() for parameter in model.parameters())


def main() -> None:
    store = None
    step = None
    for line in sys.stdin:
        question = json.loads(line)
        if question["kind"] == "listen":
            if question["rank"] == 0:
                store = dist.TCPStore(HOST, 0, None, True, TIMEOUT, wait_for_workers=False)
            answer = {"port": store.port if store else None, "version": torch.__version__}
        elif question["kind"] == "join":
            rank, ports = question["rank"], question["ports"]
            if store is None:
                store = dist.TCPStore(HOST, ports[0], None, False, TIMEOUT)
            dist.init_process_group("gloo", store=store, rank=rank, world_size=len(ports), timeout=TIMEOUT)
            step, parameters = join(question["ask"], rank, len(ports))
            answer = {"parameters": parameters}
        else:
            milliseconds = []
            loss = None
            for _ in range(question["count"]):
                started = time.perf_counter()
                loss = step()
                milliseconds.append((time.perf_counter() - started) * 1000)
            answer = {"milliseconds": milliseconds, "loss": loss.item()}
        print(json.dumps(answer), flush=True)
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
