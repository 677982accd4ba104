"""One rank of PyTorch's Gloo all-reduce: the peer of bench/lib/allreduce-rank.mjs, which answers the same questions.

Answers lines of JSON: {"kind": "listen", "rank"} with {"port"} (rank 0 opens the rendezvous on a free port of 127.0.0.1),
{"kind": "join", "rank", "ports", "ask": {"length"}} for every length, and {"kind": "steps", "count"} with {"milliseconds",
"cpuSeconds"}.
"""

import json
import sys
import time
from datetime import timedelta

import torch
import torch.distributed as dist

TIMEOUT = timedelta(seconds=60)
HOST = "127.0.0.1"


def time_steps(values: torch.Tensor, count: int) -> dict:
    milliseconds = []
    cpu_before = time.process_time()
    for _ in range(count):
        started = time.perf_counter()
        dist.all_reduce(values)
        milliseconds.append((time.perf_counter() - started) * 1000)
    return {"milliseconds": milliseconds, "cpuSeconds": time.process_time() - cpu_before}


def main() -> None:
    store = None
    values = None
    for line in sys.stdin:
        question = json.loads(line)
        if question["kind"] == "listen":
            if question["rank"] == 0:
                store = dist.TCPStore(HOST, 0, None, True, TIMEOUT, wait_for_workers=False)
            answer = {"port": store.port if store else None}
        elif question["kind"] == "join":
            rank, ports = question["rank"], question["ports"]
            if store is None:
                store = dist.TCPStore(HOST, ports[0], None, False, TIMEOUT)
            if not dist.is_initialized():
                dist.init_process_group("gloo", store=store, rank=rank, world_size=len(ports), timeout=TIMEOUT)
            # Zeros stay zeros, however often they are summed.
            values = torch.zeros(question["ask"]["length"])
            answer = {"version": torch.__version__}
        else:
            answer = time_steps(values, question["count"])
        print(json.dumps(answer), flush=True)
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
