/**
 * The options of every gRPC channel and server of Facet: one place, so that no connection lacks a limit.
 */
import type { ChannelOptions, ServerOptions } from '@grpc/grpc-js';

const WINDOW_BYTES = 16 * 1024 * 1024;

/** The largest message that anybody answers with: a frame of 64 MiB of values (`exchange.messageBytes`) and its header. */
const MOST_ANSWER_BYTES = 65 * 1024 * 1024;

/** Streams on one connection. A worker has one, and a second one while it gives or takes a state. */
const STREAMS_PER_CONNECTION = 16;

/** A connection without a call is closed after this time; a client makes a new one when it needs it. */
const IDLE_MS = 60_000;

/**
 * A dead host is noticed by its silence. A stranger who connects and does not speak HTTP/2 is hung up on in the same way. The
 * processes of a busy machine pause for seconds and are not dead: the coordinator allows three times `timeouts.heartbeatMs`,
 * and a connection lasts longer than that.
 */
const KEEPALIVE = {
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 6_000,
} as const;

/**
 * Options of every client. The receive window is raised because a default window of 64 KiB limits a pull to a quarter of
 * what the machine can move. Workers and coordinator talk to each other directly: a proxy of the environment (`http_proxy`) is
 * for the world outside, and does not know addresses like 127.0.0.1.
 */
export const CHANNEL_OPTIONS: ChannelOptions = {
  ...KEEPALIVE,
  'grpc.max_receive_message_length': MOST_ANSWER_BYTES,
  'grpc.max_send_message_length': -1,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc-node.flow_control_window': WINDOW_BYTES,
};

/**
 * Options of a server.
 *
 * @param maxRequestBytes the largest message that a client may send; a longer one is refused before it has arrived. Everybody
 *   who can connect may leave as much unfinished on every stream.
 */
export function serverOptions(maxRequestBytes: number): ServerOptions {
  return {
    ...KEEPALIVE,
    'grpc.max_receive_message_length': maxRequestBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION,
    'grpc.max_connection_idle_ms': IDLE_MS,
  };
}
