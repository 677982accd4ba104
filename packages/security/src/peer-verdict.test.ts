import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { createAuthority, type Authority } from './authority/authority.js';
import { certificateFacts } from './certificate-facts.js';
import { serverCheck, workerIdFault } from './peer-verdict.js';

let authority: Authority;

beforeAll(async () => {
  ({ authority } = await createAuthority({ name: 'test', days: 9 }));
});

/** A certificate as `tls` hands it to a check. */
async function peerCertificate(hosts: readonly string[]): Promise<PeerCertificate> {
  const { certificate } = await authority.issue({ grants: [{ role: 'broker' }], hosts, days: 1 });
  return new X509Certificate(certificate).toLegacyObject();
}

describe('the check of a server', () => {
  test.each([
    [['train-0.example'], 'train-0.example', true],
    [['train-0.example'], 'TRAIN-0.EXAMPLE', true],
    [['train-0.example'], 'train-1.example', false],
    [['*.gpu.example'], 'a.gpu.example', true],
    [['*.gpu.example'], 'gpu.example', false],
    [['*.gpu.example'], 'a.b.gpu.example', false],
    [['*.example'], 'a.example', true],
    [['*.example'], 'a.b.example', false],
    [['*.example'], 'example', false],
    [['*.example'], '.example', false],
    [['127.0.0.1'], '127.0.0.1', true],
    [['127.0.0.1'], '127.0.0.2', false],
    [['::1'], '::1', true],
    [['::1'], '0:0:0:0:0:0:0:1', true],
    [['train-0.example'], '127.0.0.1', false],
    [[], 'train-0.example', false],
  ])('of %j takes %s: %s', async (hosts, host, isTaken) => {
    const fault = serverCheck([host], ['broker'])('', await peerCertificate(hosts));
    expect(fault === undefined).toBe(isTaken);
  });

  it('of a cluster takes any of its hosts, and no other role', async () => {
    const certificate = await peerCertificate(['b.example']);
    expect(serverCheck(['a.example', 'b.example'], ['broker'])('', certificate)).toBeUndefined();
    expect(serverCheck(['b.example'], ['worker'])('', certificate)?.message).toMatch(
      /for the role broker, expected worker/,
    );
  });
});

describe('workerIdFault', () => {
  const factsOf = async (...names: (string | undefined)[]) => {
    const grants = names.map((name) => ({ role: 'worker' as const, ...(name !== undefined && { name }) }));
    const { certificate } = await authority.issue({ grants, hosts: [], days: 1 });
    return certificateFacts(new X509Certificate(certificate));
  };

  it('binds a name to its ids', async () => {
    const facts = await factsOf('gpu-3');
    expect(workerIdFault(facts, 'gpu-3')).toBeUndefined();
    expect(workerIdFault(facts, 'gpu-3.17-abc')).toBeUndefined();
    for (const other of ['gpu-31', 'gpu-3-1', 'gpu', 'host-17-abc', '']) {
      expect(workerIdFault(facts, other)).toMatch(/is for the worker gpu-3, not for/);
    }
  });

  it('binds a certificate without a name to nothing', async () => {
    expect(workerIdFault(await factsOf(undefined), 'anything')).toBeUndefined();
    expect(workerIdFault(await factsOf('a', 'b'), 'b.1')).toBeUndefined();
  });
});
