/** What the pulled side holds for its peers, and when it lets go of it. */
import { once } from 'node:events';
import { Client, credentials, type Metadata } from '@grpc/grpc-js';
import { Exchange } from '@facet/proto';
import {
  COORDINATOR_GENERATION,
  momentsCrc,
  PassSigner,
  stateCrc,
  type StatePass,
  type StateSnapshot,
} from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openInlet } from './exchange-client.js';
import { FRAME_HEADER_BYTES } from './frame.js';
import { openFrameSocket } from './frame-socket.js';
import { startExchangeServer, type ExchangeServer } from './exchange-server.js';
import { TOKEN_KEY, UNIX_NAME_KEY } from './pull.js';

const RUN = 'held';
const PASSES = new PassSigner(new Uint8Array(32));
const VALUES = { step: 4, weights: new Float32Array(1), m: new Float32Array(1), v: new Float32Array(1) };
const STATE: StateSnapshot = { ...VALUES, weightsCrc: stateCrc(VALUES), momentsCrc: momentsCrc(VALUES) };
const ASKED = { run: RUN, generation: 1, rank: 1 };
const { path, requestSerialize } = Exchange.service.Pull;

let server: ExchangeServer;
let client: Client;

beforeEach(async () => {
  server = await startExchangeServer({
    host: '127.0.0.1',
    run: () => RUN,
    exchangeKey: () => PASSES.publicKey,
    snapshot: (step) => (step === STATE.step ? STATE : undefined),
  });
  client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
});

afterEach(() => {
  client.close();
  server.close();
});

/** Pulls as rank 1 of generation 1. */
async function pull() {
  const proof = PASSES.forFrames(ASKED);
  const request = { ...ASKED, proof, payload: 'PAYLOAD_CHANNEL_SOCKET' } as const;
  const pass = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeServerStreamRequest(path, requestSerialize, pass, request);
  stream.on('data', () => undefined).on('error', () => undefined);
  const told = new Promise((resolve) => stream.on('status', resolve));
  const [metadata] = (await once(stream, 'metadata')) as [Metadata];
  const open = {
    address: `127.0.0.1:${server.port}`,
    token: String(metadata.get(TOKEN_KEY)[0]),
    unixName: metadata.get(UNIX_NAME_KEY)[0]?.toString(),
    signal: new AbortController().signal,
  };
  return { told, open };
}

it('hangs up on a peer that was told why its pull fails and does not go', async () => {
  const { told, open } = await pull();
  const closed = new Promise<string>((resolve, reject) => {
    const sink = { begin: () => undefined, end: () => undefined };
    openFrameSocket({ ...open, unixName: undefined, ringBytes: 0, sink, onClosed: resolve }).catch(reject);
  });
  await server.outlet(1, 1, () => undefined, AbortSignal.timeout(5_000));
  server.failPulls(1, 'rank 2 is gone');
  expect(await told).toMatchObject({ details: 'rank 2 is gone' });
  server.closeThrough(1);
  expect(await closed).toBe('the peer closed its socket');
});

it.runIf(process.platform === 'linux').each([
  ['through memory', 4_096],
  ['over the Unix socket where there is not so much memory', 2 ** 52],
])('sends %s to a peer on the same host', async (_, ringBytes) => {
  const { open } = await pull();
  const place = new Uint8Array(1_000);
  const ended = new Promise<void>((resolve, reject) => {
    const sink = { begin: () => place, end: resolve };
    openFrameSocket({ ...open, ringBytes, sink, onClosed: () => undefined }).catch(reject);
  });
  const outlet = await server.outlet(1, 1, () => undefined, AbortSignal.timeout(5_000));
  const values = Uint8Array.from(place, (_value, i) => i % 251);
  await outlet.send(Buffer.alloc(FRAME_HEADER_BYTES), values);
  await ended;
  expect(place).toEqual(values);
});

it.runIf(process.platform === 'linux')(
  'lets a peer have what was sent through memory before its generation ended',
  async () => {
    const { open } = await pull();
    const place = new Uint8Array(1_000);
    let frames = 0;
    const closed = new Promise<string>((resolve, reject) => {
      const sink = { begin: () => place, end: () => void frames++ };
      openFrameSocket({ ...open, ringBytes: 4_096, sink, onClosed: resolve }).catch(reject);
    });
    const outlet = await server.outlet(1, 1, () => undefined, AbortSignal.timeout(5_000));
    for (let frame = 0; frame < 4; frame++) await outlet.send(Buffer.alloc(FRAME_HEADER_BYTES), place);
    server.closeThrough(1);
    // The peer says that there is room again after the other side is closed.
    expect(await closed).toBe('the peer closed its socket');
    expect(frames).toBe(4);
    await expect(outlet.send(Buffer.alloc(FRAME_HEADER_BYTES), place)).rejects.toMatchObject({
      code: 'PEER_UNAVAILABLE',
    });
  },
);

it.each(['grpc', 'tcp'] as const)(
  'ends a pull over %s whose frame cannot be taken, and nothing else',
  async (transport) => {
    const ended = new Promise<string>((onClosed, onFailed) => {
      openInlet({
        address: `127.0.0.1:${server.port}`,
        peer: 'rank 0',
        request: { ...ASKED, proof: PASSES.forFrames(ASKED) },
        transport,
        ringBytes: 0,
        sink: {
          begin() {
            throw new RangeError('offset is out of bounds');
          },
          end: () => undefined,
        },
        onClosed,
        signal: AbortSignal.timeout(5_000),
      }).catch(onFailed);
    });
    const outlet = await server.outlet(1, 1, () => undefined, AbortSignal.timeout(5_000));
    await outlet.send(Buffer.alloc(FRAME_HEADER_BYTES), new Uint8Array(8)).catch(() => undefined);
    expect(await ended).toContain('offset is out of bounds');
  },
);

it('refuses who was not welcomed to the run, so that a stranger takes the place of no peer of a generation to come', async () => {
  const stranger = (generation: number, proof: Buffer): Promise<unknown> => {
    const request = { run: RUN, generation, rank: 1, proof, payload: 'PAYLOAD_CHANNEL_STREAM' } as const;
    const stream = client.makeServerStreamRequest(path, requestSerialize, (bytes: Buffer): Buffer => bytes, request);
    stream.on('data', () => undefined).on('error', () => undefined);
    return new Promise((resolve) => stream.on('status', resolve));
  };
  const other = new PassSigner(new Uint8Array(32).fill(1)).forFrames({ run: RUN, generation: 7, rank: 1 });
  const ofAnotherGeneration = PASSES.forFrames({ run: RUN, generation: 6, rank: 1 });
  for (const proof of [Buffer.alloc(0), other, ofAnotherGeneration]) {
    expect(await stranger(7, proof)).toMatchObject({
      code: 7,
      details: expect.stringContaining('did not show that it has rank 1'),
    });
  }
  // The place is free.
  const asked = { run: RUN, generation: 7, rank: 1 };
  const opening = openInlet({
    address: `127.0.0.1:${server.port}`,
    peer: 'rank 0',
    request: { ...asked, proof: PASSES.forFrames(asked) },
    transport: 'grpc',
    ringBytes: 0,
    sink: { begin: () => undefined, end: () => undefined },
    onClosed: () => undefined,
    signal: AbortSignal.timeout(5_000),
  });
  await server.outlet(7, 1, () => undefined, AbortSignal.timeout(5_000));
  (await opening).close();
});

describe('a state', () => {
  const { step } = STATE;
  /** The bytes that came, or why none did. */
  const pullState = async (pass: StatePass): Promise<number | string> => {
    const states = new Exchange(`127.0.0.1:${server.port}`, credentials.createInsecure());
    let bytes = 0;
    const call = states.pullState({ run: RUN, step, ...pass, proof: Buffer.from(pass.proof) });
    call.on('data', ({ chunk }: { readonly chunk?: Buffer }) => (bytes += chunk?.length ?? 0));
    call.on('error', () => undefined);
    const { details } = await new Promise<{ readonly details: string }>((resolve) => call.on('status', resolve));
    states.close();
    return bytes > 0 ? bytes : details;
  };
  const passFor = (generation: number): StatePass => PASSES.forState({ run: RUN, generation, step });

  it('goes to a member of a generation that is not over, and to a coordinator at any time', async () => {
    expect(await pullState(passFor(7))).toBe(12);
    server.closeThrough(7);
    expect(await pullState(passFor(8))).toBe(12);
    expect(await pullState(passFor(COORDINATOR_GENERATION))).toBe(12);
  });

  it('does not go to a worker that is no member any more', async () => {
    const removed = passFor(7);
    server.closeThrough(7);
    expect(await pullState(removed)).toMatch(/^STALE: generation 7 is over, 8 or later may pull a state/);
    for (const generation of [8, COORDINATOR_GENERATION]) {
      expect(await pullState({ ...removed, generation })).toMatch(/^TOKEN_INVALID: the puller did not show/);
    }
  });

  it('does not go to who shows a pass of another run, for another state, or none', async () => {
    const strangers = [
      new PassSigner(new Uint8Array(32).fill(1)).forState({ run: RUN, generation: 7, step }),
      PASSES.forState({ run: RUN, generation: 7, step: step + 1 }),
      { generation: 7, proof: PASSES.forFrames({ run: RUN, generation: 7, rank: step }) },
      { generation: 7, proof: new Uint8Array() },
    ];
    for (const stranger of strangers) expect(await pullState(stranger)).toMatch(/^TOKEN_INVALID/);
  });
});
