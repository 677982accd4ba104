/** What servers of S3 do on bad days, in front of one that others wrote. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeClock } from '../../test/fake-clock.js';
import { startProxy, type Verdict } from '../../test/faulty-proxy.js';
import { describeWithEveryS3, type S3Server } from '../../test/s3-server.js';
import { textOf } from '../../test/store-contract.js';
import { retriedRun } from '../store/retried-store.js';
import { contentOf, readAll, type RunStore } from '../store/run-store.js';
import { readLogin } from './s3-login.js';
import { openS3Store } from './s3-store.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describeWithEveryS3('an S3 server', (start) => {
  let server: S3Server;
  let runs = 0;

  beforeAll(async () => {
    server = await start('facet');
  }, 60_000);
  afterAll(() => server[Symbol.asyncDispose]());

  /** A run behind a proxy that judges every request. */
  async function behind(
    judge: (request: IncomingMessage) => Verdict,
    act: (run: RunStore, requests: readonly { readonly method: string }[]) => Promise<void>,
  ): Promise<void> {
    await using proxy = await startProxy(server.endpoint, judge);
    const env = { ...server.env, AWS_ENDPOINT_URL_S3: proxy.endpoint };
    await using store = await openS3Store({ bucket: 'facet', prefix: 'faults', env });
    runs += 1;
    await using run = await store.open(`run-${runs}`);
    await act(retriedRun(run, { clock: fakeClock(), limitMs: 60_000, random: () => 0.5 }), proxy.requests);
  }

  it(
    'that throttles, fails and loses answers is asked again, and everything is there once',
    { timeout: 120_000 },
    async () => {
      let verdicts: Verdict[] = [
        { status: 503, code: 'SlowDown' },
        'pass',
        'lose',
        { status: 500, code: 'InternalError' },
        { status: 429, code: 'TooManyRequests' },
        'pass',
        'pass',
        'lose',
      ];
      let count = 0;
      const judge = (): Verdict => verdicts[count++ % verdicts.length]!;
      await behind(judge, async (run) => {
        const claim = await run.ledger.claim();
        let text = '';
        for (let index = 0; index < 12; index += 1) {
          await claim.append(text.length, bytes(`line ${index}\n`));
          text += `line ${index}\n`;
        }
        verdicts = ['pass', 'pass', { status: 503, code: 'SlowDown' }, 'pass'];
        const large = { bytes: 9_000_000, pieces: () => [new Uint8Array(9_000_000).fill(7)] };
        await run.objects.put('checkpoints/large', large);
        await using direct = await openS3Store({ bucket: 'facet', prefix: 'faults', env: server.env });
        await using seen = await direct.open(path.basename(run.place));
        expect(await textOf(seen)).toBe(text);
        const stored = Buffer.from(await readAll((await seen.objects.get('checkpoints/large'))!));
        expect(stored.equals(Buffer.alloc(9_000_000, 7))).toBe(true);
        expect(await seen.objects.list('')).toEqual(['checkpoints/large']);
      });
    },
  );

  it.each([
    [{ status: 507, code: 'InsufficientStorage' }, /it is full .*make room/],
    [{ status: 403, code: 'QuotaExceeded' }, /it is full .*make room/],
    [{ status: 403, code: 'AccessDenied' }, /403 AccessDenied.*give these keys the right/],
    [{ status: 403, code: 'InvalidAccessKeyId' }, /correct AWS_ACCESS_KEY_ID/],
    [{ status: 404, code: 'NoSuchBucket' }, /create the bucket/],
  ] as const)('that says %o is not asked again, and the message says what to do', async (verdict, message) => {
    await behind(
      () => verdict,
      async (run, requests) => {
        const putting = run.objects.put('config.json', contentOf('{}'));
        await expect(putting).rejects.toMatchObject({ code: 'STORE_REFUSED', message: expect.stringMatching(message) });
        await expect(putting).rejects.not.toThrow(server.env['AWS_SECRET_ACCESS_KEY']!);
        expect(requests).toHaveLength(1);
      },
    );
  });

  it('whose clock is ahead of ours is signed for by its clock', async () => {
    let refusals = 0;
    // Less than what the server behind takes: that one is on time.
    const aheadMs = 600_000;
    const judge = ({ headers }: IncomingMessage): Verdict => {
      const signedAt = String(headers['x-amz-date']);
      const [, day, time] = /^(\d{8})T(\d{6})Z$/.exec(signedAt)!;
      const iso = `${day!.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time!.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
      if (Math.abs(Date.parse(iso) - Date.now() - aheadMs) < 60_000) return 'pass';
      refusals += 1;
      const date = new Date(Date.now() + aheadMs).toUTCString();
      return { status: 403, code: 'RequestTimeTooSkewed', headers: { date } };
    };
    await behind(judge, async (run) => {
      await run.objects.put('config.json', contentOf('{}'));
      await run.objects.put('run.key', contentOf('k'));
      expect(refusals).toBe(1);
    });
  });

  it('whose answer is cut off gives no shorter object', async () => {
    let isCut = false;
    await behind(
      () => (isCut ? 'cut' : 'pass'),
      async (run) => {
        await run.objects.put('model', { bytes: 200_000, pieces: () => [new Uint8Array(200_000)] });
        isCut = true;
        const object = (await run.objects.get('model'))!;
        await expect(readAll(object)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      },
    );
  });
});

describe('the keys for S3', () => {
  it('come from the environment, or from a profile of a file, and are missed by name', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'facet-s3-login-'));
    const file = path.join(folder, 'credentials');
    await writeFile(
      file,
      '[default]\naws_access_key_id = a\naws_secret_access_key = b\n\n[lab]\naws_access_key_id=c\naws_secret_access_key=d\naws_session_token=e\n',
    );
    const ofFile = { AWS_SHARED_CREDENTIALS_FILE: file };
    expect(await readLogin({ AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's', AWS_REGION: 'eu-west-1' })).toEqual({
      ...{
        endpoint: 'https://s3.eu-west-1.amazonaws.com',
        region: 'eu-west-1',
        accessKeyId: 'k',
        secretAccessKey: 's',
      },
      sessionToken: undefined,
    });
    expect(await readLogin(ofFile)).toMatchObject({ accessKeyId: 'a', secretAccessKey: 'b' });
    const lab = await readLogin({ ...ofFile, AWS_PROFILE: 'lab', AWS_ENDPOINT_URL: 'http://127.0.0.1:9000/' });
    expect(lab).toMatchObject({ endpoint: 'http://127.0.0.1:9000', accessKeyId: 'c', sessionToken: 'e' });
    await expect(readLogin({ ...ofFile, AWS_PROFILE: 'none' })).rejects.toThrow(
      /AWS_ACCESS_KEY_ID .*none for profile 'none'/s,
    );
    await rm(folder, { recursive: true });
  });
});
