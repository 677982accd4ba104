/**
 * What a launch and the `facet` that it starts on a host say to each other: one JSON object per line, over the stdin and stdout
 * of ssh. Secrets travel there alone. Whatever else a login shell prints is no message.
 */
import { z } from 'zod';

const MOST_TEXT = 64 * 1024;
const text = z.string().max(MOST_TEXT);
const count = z.number().int().min(0).max(1_000_000);

const identity = z.object({ authority: text, certificate: text, key: text, revoked: text });
/** Texts in PEM. */
export type HostIdentity = z.infer<typeof identity>;

const order = z.object({
  kind: z.literal('order'),
  /** host:port. */
  coordinator: text,
  workers: count.min(1),
  /** Where workers listen. */
  listen: text,
  /** Absent: they listen in the open, which somebody has asked for. */
  identity: identity.optional(),
  hasPlainMetrics: z.boolean(),
  token: text,
  maxRestarts: count,
  logLevel: text.optional(),
});
/** What a host is to do. */
export type HostOrder = z.infer<typeof order>;

const toHost = z.discriminatedUnion('kind', [
  order,
  /** New certificates, which take the place of the old ones. */
  z.object({ kind: z.literal('identity'), identity }),
  /** The launch lives. */
  z.object({ kind: z.literal('alive') }),
]);
export type MessageToHost = z.infer<typeof toHost>;

const restart = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('later'), number: count, of: count, waitMs: count }),
  z.object({ kind: z.literal('pointless') }),
  z.object({ kind: z.literal('used-up'), of: count }),
]);

const hello = z.object({
  kind: z.literal('hello'),
  codeVersion: text,
  /** SSH_CONNECTION: address and port of the client, address and port of the server. */
  connection: text,
});
export type HostHello = z.infer<typeof hello>;

const died = z.object({ kind: z.literal('died'), worker: text, how: text, living: count, restart });

const ended = z.object({ kind: z.literal('ended'), error: z.object({ code: text, message: text }).optional() });

const fromHost = z.discriminatedUnion('kind', [
  hello,
  z.object({ kind: z.literal('line'), worker: text, text }),
  died,
  ended,
]);
export type MessageFromHost = z.infer<typeof fromHost>;

/** Undefined for a line that is no message. */
export function parseToHost(line: string): MessageToHost | undefined {
  return parsed(toHost, line);
}

/** Undefined for a line that is no message. */
export function parseFromHost(line: string): MessageFromHost | undefined {
  return parsed(fromHost, line);
}

export function formatMessage(message: MessageToHost | MessageFromHost): string {
  return `${JSON.stringify(message)}\n`;
}

function parsed<T>(schema: z.ZodType<T>, line: string): T | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** A worker's line as it fits into a message. */
export function shortened(line: string): string {
  return line.length > MOST_TEXT ? `${line.slice(0, MOST_TEXT - 3)}...` : line;
}
