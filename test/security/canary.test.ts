/** A run whose secrets are known: they are looked for wherever somebody might read them. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';
import { committedSteps, openWorkspace, until, whereabouts, type Workspace } from '../testkit/facet.js';
import { up } from '../testkit/small-run.js';

const CANARIES = {
  token: 'canary-of-the-run-token-4711',
  operator: 'canary-of-the-operator-token-4713',
  password: 'canary-of-the-broker-4712',
};

let broker: TestBroker;
let workspace: Workspace;

beforeAll(async () => {
  broker = await startBroker({ login: { user: 'facet', password: CANARIES.password } });
  workspace = await openWorkspace();
});

afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

function found(text: string): string[] {
  return Object.entries(CANARIES).flatMap(([name, canary]) => (text.includes(canary) ? [name] : []));
}

async function commandLines(): Promise<string> {
  const lines: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (/^\d+$/.test(entry)) lines.push(await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => ''));
  }
  return lines.join('\n');
}

/** Workers whose environment holds a text: they may not know what operators know. */
async function workersWith(text: string): Promise<string[]> {
  const holding: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const [command, environment] = await Promise.all(
      ['cmdline', 'environ'].map((file) => readFile(`/proc/${entry}/${file}`, 'utf8').catch(() => '')),
    );
    if (command!.split('\0').includes('worker') && environment!.includes(text)) holding.push(command!);
  }
  return holding;
}

test.runIf(process.platform === 'linux')(
  'neither a token nor the broker password is in logs, files, status, metrics, errors or the process list',
  { timeout: 180_000 },
  async () => {
    const environment = {
      FACET_RUN_TOKEN: CANARIES.token,
      FACET_OPERATOR_TOKEN: CANARIES.operator,
      FACET_NATS_URL: broker.url,
      FACET_LOG_LEVEL: 'debug',
    };
    const launch = workspace.start(up('canary', 2, '--epochs', '500'), environment);
    const folder = path.join(workspace.runs, 'canary');
    await until('some steps are committed', async () => (await committedSteps(folder)) >= 3);
    expect(found(await commandLines())).toEqual([]);
    expect(await workersWith(CANARIES.operator)).toEqual([]);
    const { address, httpUrl } = await whereabouts(workspace, 'canary', launch);
    // Orders with the wrong token, and with the right one.
    const order = ['checkpoint', '--coordinator', address];
    const turnedAway = await workspace.run(order, { FACET_OPERATOR_TOKEN: CANARIES.token });
    expect(turnedAway.stderr).toContain('TOKEN_INVALID');
    const obeyed = await workspace.run(order, { FACET_OPERATOR_TOKEN: CANARIES.operator });
    expect(obeyed.stdout, obeyed.stderr).toMatch(/^checkpoint in .*step-\d+/);
    expect(found(turnedAway.stdout + turnedAway.stderr + obeyed.stdout + obeyed.stderr)).toEqual([]);
    for (const page of ['status', 'metrics', 'sd']) {
      expect(found(await (await fetch(`${httpUrl}/${page}`)).text()), page).toEqual([]);
    }
    expect((await workspace.run(['stop', 'canary'])).code).toBe(0);
    const { code, stdout, stderr } = await launch.done;
    expect(code, stderr).toBe(130);
    expect(found(stdout + stderr)).toEqual([]);
    // The places where a secret may be, which only their owner may read.
    const allowed = ['run.token', 'operator.token'];
    let looked = 0;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || allowed.includes(entry.name)) continue;
      looked += 1;
      const file = path.join(entry.parentPath, entry.name);
      expect(found(await readFile(file, 'latin1')), file).toEqual([]);
    }
    expect(looked).toBeGreaterThan(8);
    expect(await readFile(path.join(folder, 'run.token'), 'utf8')).toBe(`${CANARIES.token}\n`);
    expect(await readFile(path.join(folder, 'operator.token'), 'utf8')).toBe(`${CANARIES.operator}\n`);
    // Errors too: a broker that refuses is named without the password.
    const wrong = { ...environment, FACET_NATS_URL: broker.url.replace('facet:', 'other:') };
    const refused = await workspace.run(up('refused', 1), wrong);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/BROKER_REFUSED|BROKER_UNREACHABLE/);
    expect(found(refused.stdout + refused.stderr)).toEqual([]);
  },
);
