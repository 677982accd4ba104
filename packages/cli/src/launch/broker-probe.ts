/**
 * Asks a broker what it is, before anything depends on it: a NATS server introduces itself with one line of JSON on every
 * new connection, which also says whether JetStream is on. No credentials are needed or sent.
 */
import { connect } from 'node:net';
import { brokerServers, formatAddress, TrainingError, type BrokerServer } from '@facet/shared';

const MAX_GREETING_BYTES = 1 << 16;

/** What a broker says about itself. */
export interface BrokerGreeting {
  readonly version: string;
  readonly hasJetStream: boolean;
  /** Bytes. */
  readonly maxPayload: number;
}

/**
 * Checks that one of the brokers of a URL (comma-separated URLs are one cluster) answers and has JetStream.
 *
 * @throws TrainingError BROKER_UNREACHABLE when none answers as a NATS server; BROKER_NO_JETSTREAM.
 */
export async function requireJetStream(urls: string, timeoutMs = 5_000): Promise<BrokerGreeting> {
  const reasons: string[] = [];
  let without: { readonly address: string; readonly version: string } | undefined;
  for (const server of brokerServers(urls)) {
    const answer = await askBroker(server, timeoutMs);
    const address = formatAddress(server.host, server.port);
    if (!answer.ok) {
      reasons.push(`${address}: ${answer.reason}`);
    } else if (answer.greeting.hasJetStream) {
      return answer.greeting;
    } else {
      without ??= { address, version: answer.greeting.version };
    }
  }
  // A cluster may have servers that only forward.
  if (without !== undefined) {
    throw new TrainingError(
      'BROKER_NO_JETSTREAM',
      `the broker at ${without.address} (nats-server ${without.version}) runs without JetStream, which Facet needs; start it with \`nats-server -js\``,
    );
  }
  throw new TrainingError(
    'BROKER_UNREACHABLE',
    `no NATS broker answers (${reasons.join('; ')}); start one with \`nats-server -js\`, correct --nats, or leave it out and \`facet up\` starts its own`,
  );
}

type Answer =
  { readonly ok: true; readonly greeting: BrokerGreeting } | { readonly ok: false; readonly reason: string };

function askBroker(server: BrokerServer, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ ...server });
    let received = '';
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => {
      finish({ ok: false, reason: `no answer in ${timeoutMs} ms` });
    }, timeoutMs);
    socket.setEncoding('utf8');
    socket.once('error', ({ message }) => {
      finish({ ok: false, reason: message });
    });
    socket.once('close', () => {
      finish({ ok: false, reason: 'the connection was closed without a greeting' });
    });
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\n');
      if (end < 0 && received.length < MAX_GREETING_BYTES) return;
      finish(readGreeting(end < 0 ? received : received.slice(0, end)));
    });
  });
}

function readGreeting(line: string): Answer {
  const json = /^INFO (\{.*\})\s*$/.exec(line)?.[1];
  if (json === undefined) return { ok: false, reason: `it greets with '${line.slice(0, 40)}', which is not NATS` };
  try {
    const { version, jetstream, max_payload } = JSON.parse(json) as Record<string, unknown>;
    return {
      ok: true,
      greeting: {
        version: typeof version === 'string' ? version : 'of an unknown version',
        hasJetStream: jetstream === true,
        maxPayload: typeof max_payload === 'number' ? max_payload : 0,
      },
    };
  } catch {
    return { ok: false, reason: 'its greeting is damaged' };
  }
}
