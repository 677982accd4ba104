"""Writes an event file with TensorBoard's own messages and its own framing: reference/numbers/events.tfevents.

    python reference/python/write_events.py FILE
"""

import sys

from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util


def hparams_value(tag, data):
    value = summary_pb2.Summary.Value(tag=tag, tensor=metadata.NULL_TENSOR)
    # As metadata.create_summary_metadata does it, but with the members of a map in order.
    value.metadata.plugin_data.plugin_name = metadata.PLUGIN_NAME
    value.metadata.plugin_data.content = data.SerializeToString(deterministic=True)
    return value


def events():
    Value = summary_pb2.Summary.Value
    yield event_pb2.Event(wall_time=1796024845.814, file_version="brain.Event:2")
    start = plugin_data_pb2.SessionStartInfo(group_name="demo", start_time_secs=1796024845.814)
    start.hparams["dataset"].string_value = "mnist"
    start.hparams["epochs"].number_value = 3
    start.hparams["freeze"].bool_value = False
    start.hparams["seed"].number_value = 0
    data = plugin_data_pb2.HParamsPluginData(session_start_info=start)
    yield 0, [hparams_value(metadata.SESSION_START_INFO_TAG, data)]
    text = Value(tag="configuration", tensor=tensor_util.make_tensor_proto(["two\nlinés"], dtype=types_pb2.DT_STRING))
    text.metadata.plugin_data.plugin_name = "text"
    yield 0, [text]
    yield 1, [Value(tag="train/loss", simple_value=2.25), Value(tag="train/accuracy", simple_value=0)]
    yield 300, [Value(tag="train/loss", simple_value=-1e-3)]
    weights = summary_pb2.HistogramProto(
        min=-1, max=2, num=3, sum=1, sum_squares=5, bucket_limit=[0.5, 2], bucket=[2, 1]
    )
    yield 300, [Value(tag="weights/a", histo=weights)]
    end = plugin_data_pb2.SessionEndInfo(status="STATUS_SUCCESS", end_time_secs=1796024845.814)
    data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    yield 300, [hparams_value(metadata.SESSION_END_INFO_TAG, data)]


def main(path):
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events():
            if isinstance(event, tuple):
                step, values = event
                summary = summary_pb2.Summary(value=values)
                event = event_pb2.Event(wall_time=1796024845.814, step=step, summary=summary)
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
