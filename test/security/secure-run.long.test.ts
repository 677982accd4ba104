/**
 * Runs whose connections are all TLS: the same bits as without, certificates that are renewed while they train, and strangers
 * of every kind who change nothing. Real processes, a real broker that asks for certificates.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { explainFailure, secureConnection, TlsIdentity, type Role } from '@facet/security';
import { openPki } from '@facet/security/authority';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';
import {
  committedSteps,
  openWorkspace,
  parseJson,
  processesWith,
  tokenOf,
  until,
  whereabouts,
  type Workspace,
} from '../testkit/facet.js';
import { CLEAN, up } from '../testkit/small-run.js';

const OVER_TCP = ['--set', 'exchange.transport=tcp'];
/** Long enough that a third worker can join. */
const LONG = [...OVER_TCP, '--epochs', '8'];
const MINUTES = { timeout: 180_000 };

let workspace: Workspace;
let broker: TestBroker;
let expectedSha256: string;
const at = (...parts: string[]): string => path.join(workspace.folder, ...parts);
const identity = (name: string, role: Role): TlsIdentity => new TlsIdentity(at(name), { roles: [role] });

async function facet(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await workspace.run(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

beforeAll(async () => {
  workspace = await openWorkspace();
  await facet('certs', 'init', 'pki');
  await facet('certs', 'init', 'others');
  const hosts = ['--host', 'localhost,127.0.0.1'];
  for (const role of ['coordinator', 'worker', 'broker', 'status']) {
    await facet('certs', 'issue', 'pki', '--role', role, ...hosts, '--out', role);
    await facet('certs', 'issue', 'others', '--role', role, ...hosts, '--out', `stranger-${role}`);
  }
  await facet('certs', 'issue', 'pki', '--role', 'worker', '--name', 'gpu-3', ...hosts, '--out', 'named');
  broker = await startBroker({
    tls: {
      ca_file: at('pki', 'ca.crt'),
      cert_file: at('broker', 'tls.crt'),
      key_file: at('broker', 'tls.key'),
      verify: true,
    },
  });
  expectedSha256 = parseJson(await workspace.run(up('plain', 2, ...OVER_TCP))).weightsSha256;
}, 180_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

describe('facet up --secure', () => {
  it('trains to the same bits, with a standby, and leaves no certificates behind', MINUTES, async () => {
    const result = await workspace.run(up('secure', 2, ...OVER_TCP, '--secure', '--standby'));
    expect(result.code, result.stderr).toBe(0);
    expect(parseJson(result)).toMatchObject({ weightsSha256: expectedSha256, ledger: CLEAN, faults: 0, workers: 2 });
    const folder = path.join(workspace.runs, 'secure');
    expect(await readFile(path.join(folder, 'logs', 'broker.log'), 'utf8')).toContain('TLS required for client');
    expect(await readFile(path.join(folder, 'logs', 'worker-0.log'), 'utf8')).toMatch(/"ways":\{"tcp":1\}/);
    expect(existsSync(path.join(folder, 'tls'))).toBe(false);
    expect(await readFile(path.join(folder, 'config.json'), 'utf8')).not.toContain('"tls"');
  });
});

describe('a run by hand', () => {
  async function startCoordinator(run: string, ...more: string[]) {
    const secure = ['--tls', 'coordinator', '--nats', broker.url];
    const coordinator = workspace.start(['coordinator', ...up(run, 2, ...more).slice(1), ...secure]);
    return { coordinator, ...(await whereabouts(workspace, run, coordinator)) };
  }

  const worker = (address: string, folder = 'worker') =>
    workspace.start(['worker', '--coordinator', address, '--tls', folder, '--json'], tokenOf(workspace, 'by-hand'));

  it('goes on with renewed certificates, lets a named worker in, and no stranger', MINUTES, async () => {
    const plainSha256 = parseJson(await workspace.run(up('plain-long', 2, ...LONG))).weightsSha256;
    const { coordinator, address } = await startCoordinator('by-hand', ...LONG);
    const folder = path.join(workspace.runs, 'by-hand');
    const serialShown = async (): Promise<string> => {
      const [host = '', port] = address.split(':');
      const tls = identity('status', 'status');
      const socket = connectTls({
        host,
        port: Number(port),
        ...secureConnection({ tls, host, roles: ['coordinator'] }),
      });
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      const { serialNumber } = socket.getPeerX509Certificate()!;
      socket.destroy();
      return serialNumber;
    };
    const before = await serialShown();
    const workers = [worker(address)];

    // Strangers, while it waits for its second worker and while it trains.
    const roles = ['coordinator'] as const;
    for (const [args, reason] of [
      [['worker', '--coordinator', address], /CERTIFICATE_REFUSED.*speaks TLS, and this side does not.*--tls/],
      [['worker', '--coordinator', address, '--tls', 'stranger-worker'], /CERTIFICATE_REFUSED.*is signed by CN=Facet/],
      [['worker', '--coordinator', address, '--tls', 'status'], /CERTIFICATE_INVALID.*role status, expected worker/],
      [['status', '--coordinator', address], /it speaks TLS, and this side does not/],
      [['status', '--coordinator', address, '--tls', 'stranger-status'], /is signed by CN=Facet/],
    ] as const) {
      // With the token, so that it is the certificate that is refused.
      const refused = await workspace.run(args, tokenOf(workspace, 'by-hand'));
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(reason);
    }
    expect(await facet('status', '--coordinator', address, '--tls', 'status', '--json')).toContain('"by-hand"');
    expect(await facet('status', '--json')).toContain('"by-hand"');
    workers.push(worker(address));
    await until('it trains', async () => (await committedSteps(folder)) >= 3);
    const stranger = identity('stranger-worker', 'worker');
    const said = await explainFailure({ address, roles, tls: stranger });
    expect(said).toMatch(/its certificate CN=coordinator is signed by CN=Facet [0-9a-f]{8}/);
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const [host, port] = address.split(':');
      const socket = connect({ host: host!, port: Number(port) }).on('error', () => undefined);
      socket.end(attempt % 2 === 0 ? 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' : Buffer.alloc(300, attempt));
      socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
    }

    const pki = await openPki(at('pki'));
    for (const name of ['coordinator', 'worker', 'named']) await pki.renew(at(name));
    const after = await serialShown();
    expect(after).not.toBe(before);
    workers.push(worker(address, 'named'));

    const result = parseJson(await coordinator.done);
    expect(result).toMatchObject({ weightsSha256: plainSha256, workers: 3, faults: 0, ledger: { clean: true } });
    for (const { done } of workers) expect((await done).code).toBe(0);
  });
});
