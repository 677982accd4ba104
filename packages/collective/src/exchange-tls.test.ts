/** The port of a worker with TLS: who pulls frames and states must show a certificate, and asks for one. */
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pullState } from '@facet/proto';
import { TlsIdentity, type Role } from '@facet/security';
import { initPki, type Pki } from '@facet/security/authority';
import { PassSigner } from '@facet/shared';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { openInlet, type Inlet, type InletOptions } from './exchange-client.js';
import { startExchangeServer, type ExchangeServer } from './exchange-server.js';

const RUN = 'secret';
const PASSES = new PassSigner(new Uint8Array(32).fill(7));
const FRAMES = { run: RUN, generation: 1, rank: 0 };
let folder: string;
let pki: Pki;
let server: ExchangeServer;
let inlet: Inlet | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facet-exchange-'));
  pki = await initPki(join(folder, 'pki'), { name: 'test', days: 30 });
  const others = await initPki(join(folder, 'others'), { name: 'others', days: 30 });
  for (const role of ['worker', 'coordinator', 'status'] as const) {
    const request = { grants: [{ role }], hosts: ['127.0.0.1'], days: 9 };
    await pki.issue(request, join(folder, role));
    await others.issue(request, join(folder, `stranger-${role}`));
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const identity = (name: string, role: Role): TlsIdentity => new TlsIdentity(join(folder, name), { roles: [role] });

async function start(tls: TlsIdentity | undefined): Promise<string> {
  server = await startExchangeServer({
    host: '127.0.0.1',
    tls,
    run: () => RUN,
    exchangeKey: () => PASSES.publicKey,
    snapshot: () => undefined,
  });
  return `127.0.0.1:${server.port}`;
}

afterEach(() => {
  inlet?.close();
  inlet = undefined;
  server.close();
});

async function pull(address: string, tls: TlsIdentity | undefined, more: Partial<InletOptions> = {}): Promise<Inlet> {
  inlet = await openInlet({
    address,
    tls,
    peer: 'rank 1 (b)',
    request: { ...FRAMES, proof: PASSES.forFrames(FRAMES) },
    transport: 'tcp',
    ringBytes: 0,
    sink: { begin: () => undefined, end: () => undefined },
    onClosed: () => undefined,
    signal: new AbortController().signal,
    ...more,
  });
  return inlet;
}

describe('a pull of frames', () => {
  test.each(['tcp', 'grpc', 'auto'] as const)('opens over %s for a worker', async (transport) => {
    const address = await start(identity('worker', 'worker'));
    await pull(address, identity('worker', 'worker'), { transport });
  });

  test.each([
    ['a stranger', 'stranger-worker', 'worker', /cannot pull from rank 1 \(b\) at 127.*is signed by CN=test/],
    ['another role', 'status', 'status', /it refuses this process: .* is for the role status, expected worker/],
    ['nobody', undefined, 'worker', /it speaks TLS, and this side does not; name a folder/],
  ] as const)('is refused to %s', async (_what, name, role, message) => {
    const address = await start(identity('worker', 'worker'));
    const tls = name === undefined ? undefined : identity(name, role);
    await expect(pull(address, tls)).rejects.toMatchObject({
      code: 'PEER_UNAVAILABLE',
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ['is no worker', 'coordinator', 'coordinator', /CN=coordinator is for the role coordinator, expected worker/],
    ['speaks no TLS', undefined, 'worker', /it speaks no TLS, and this side speaks nothing else/],
  ] as const)('refuses a peer that %s', async (_what, name, role, message) => {
    const address = await start(name === undefined ? undefined : identity(name, role));
    await expect(pull(address, identity('worker', 'worker'))).rejects.toThrow(message);
  });
});

describe('a certificate that is revoked during a pull', () => {
  /** A worker with a certificate of its own, and one that looks for a list of revoked ones. */
  const twoWorkers = async (): Promise<{ doomed: TlsIdentity; watching: TlsIdentity; revoke: () => Promise<void> }> => {
    const [own, other] = [`doomed-${Math.random()}`, `watching-${Math.random()}`];
    const request = { grants: [{ role: 'worker' as const }], hosts: ['127.0.0.1'], days: 9 };
    const { serial } = await pki.issue(request, join(folder, own));
    cpSync(join(folder, 'worker'), join(folder, other), { recursive: true });
    return {
      doomed: identity(own, 'worker'),
      watching: new TlsIdentity(join(folder, other), { roles: ['worker'], lookEveryMs: 5 }),
      revoke: async () => {
        await pki.revoke([serial]);
        copyFileSync(join(folder, 'pki', 'ca.crl'), join(folder, other, 'ca.crl'));
      },
    };
  };

  test.each(['tcp', 'grpc', 'auto'] as const)('ends the pull of the one who has it, over %s', async (transport) => {
    const { doomed, watching, revoke } = await twoWorkers();
    const address = await start(watching);
    const ended = new Promise<string>((onClosed, onFailed) => {
      pull(address, doomed, { transport, onClosed }).catch(onFailed);
    });
    const lost = new Promise<string>((resolve) => {
      void server.outlet(1, 0, resolve, AbortSignal.timeout(5_000)).then(revoke);
    });
    expect(await lost).toMatch(/cancelled|closed/);
    await ended;
  });

  test.each(['tcp', 'grpc', 'auto'] as const)('ends the pull from the one who has it, over %s', async (transport) => {
    const { doomed, watching, revoke } = await twoWorkers();
    const address = await start(doomed);
    const ended = new Promise<string>((onClosed, onFailed) => {
      pull(address, watching, { transport, onClosed }).then(revoke, onFailed);
    });
    expect(await ended).toBe('its certificate was revoked');
  });
});

describe('a pull of a state', () => {
  const stateFrom = (address: string, tls: TlsIdentity | undefined): Promise<unknown> =>
    pullState({
      peer: 'worker b',
      address,
      tls,
      run: RUN,
      step: 3,
      pass: PASSES.forState({ run: RUN, generation: 1, step: 3 }),
      shape: { parameters: 1, hasAverage: false },
      expected: { weightsCrc: 0, momentsCrc: undefined },
      timeoutMs: 5_000,
      signal: new AbortController().signal,
    });

  it('is answered to a coordinator, and to nobody without a right', async () => {
    const address = await start(identity('worker', 'worker'));
    await expect(stateFrom(address, identity('coordinator', 'coordinator'))).rejects.toThrow(/does not hold the state/);
    await expect(stateFrom(address, identity('status', 'status'))).rejects.toThrow(
      /worker b at 127.* does not talk to us: /,
    );
    await expect(stateFrom(address, undefined)).rejects.toThrow(/it speaks TLS, and this side does not/);
  });
});
