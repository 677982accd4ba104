"""Prints what other tools read in the figures of a run, as JSON.

    python reference/python/read_figures.py csv|parquet|tensorboard|hparams PATH
"""

import json
import sys


def csv_rows(path):
    import csv

    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def parquet_rows(path):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    rows = [{n: v.isoformat() if hasattr(v, "isoformat") else v for n, v in row.items()} for row in table.to_pylist()]
    return dict(types={field.name: str(field.type) for field in table.schema}, rows=rows)


def charts(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(folder, size_guidance=dict(scalars=0, histograms=0, tensors=0))
    accumulator.Reload()
    tags = accumulator.Tags()
    scalars = {tag: [[e.step, e.wall_time, e.value] for e in accumulator.Scalars(tag)] for tag in tags["scalars"]}
    names = ("min", "max", "num", "sum", "sum_squares", "bucket_limit", "bucket")
    histograms = {
        tag: [
            dict({name: getattr(e.histogram_value, name) for name in names}, step=e.step)
            for e in accumulator.Histograms(tag)
        ]
        for tag in tags["histograms"]
    }
    text = [e.tensor_proto.string_val[0].decode() for e in accumulator.Tensors("configuration")]
    return dict(scalars=scalars, histograms=histograms, text=text)


def hparams(folder):
    """The table of the HParams plugin, as its own server makes it."""
    from google.protobuf import json_format
    from tensorboard import context
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams import api_pb2, backend_context, get_experiment, list_session_groups

    multiplexer = EventMultiplexer(size_guidance=dict(scalars=0, tensors=0))
    multiplexer.AddRunsFromDirectory(folder)
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, folder)
    backend = backend_context.Context(base_plugin.TBContext(logdir=folder, data_provider=provider))
    ctx = context.RequestContext()
    metadata = backend.hparams_metadata(ctx, "")
    experiment = get_experiment.Handler(ctx, backend, "", api_pb2.GetExperimentRequest(include_metrics=True)).run()
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0,
        slice_size=100,
        include_metrics=True,
        allowed_statuses=["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
        col_params=[api_pb2.ColParams(hparam=info.name) for info in experiment.hparam_infos]
        + [api_pb2.ColParams(metric=info.name) for info in experiment.metric_infos],
    )
    groups = list_session_groups.Handler(ctx, backend, "", request).run()
    return dict(runs=list(metadata), groups=json_format.MessageToDict(groups)["sessionGroups"])


READERS = dict(csv=csv_rows, parquet=parquet_rows, tensorboard=charts, hparams=hparams)

if __name__ == "__main__":
    print(json.dumps(READERS[sys.argv[1]](sys.argv[2])))
