/**
 * With and without TLS take turns, each turn begun by the other, so that a busy machine disturbs both. Ratios are of pairs of
 * turns.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthority, writeTlsFolder } from '@facet/security/authority';
import type { BenchContext, OptionValues, Run } from '../bench.js';
import { median, medianRatio, round } from '../figures.js';
import { elementsOf, type ContenderAsk } from '../allreduce/exchange-ask.js';
import type { TimedSteps } from '../allreduce/step-timer.js';
import { facetCommand } from '../process/facet-command.js';
import { openRanks, slowest } from '../process/rank-world.js';
import type { TlsFigures, TlsOptions, TlsRatios, TlsRow } from './definition.js';
import type { HandshakeAsk } from './handshake-rank.js';

const EXCHANGE = new URL('../allreduce/allreduce-rank.js', import.meta.url);
const HANDSHAKE = new URL('./handshake-rank.js', import.meta.url);
const WAYS = ['plain', 'tls'] as const;
/** Steps of the all-reduce before it counts, and in a turn. */
const STEPS = { warmUp: 20, turn: 10, small: 2 };

type Way = TlsRow['way'];
type Options = OptionValues<TlsOptions>;

export const runTls: Run<TlsOptions, TlsRow, TlsFigures, TlsRatios> = async (options, context) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-tls-'));
  try {
    await makeCertificates(folder);
    const rows = [
      ...(await reduceInTurns(folder, options, context)),
      ...(await connectInTurns(folder, options, context)),
      ...(await trainInTurns(folder, options, context)),
    ];
    const valuesOf = (what: TlsRow['what'], way: Way): number[] =>
      rows.filter((row) => row.what === what && row.way === way).map(({ value }) => value);
    const middle = (what: TlsRow['what'], way: Way): number => round(median(valuesOf(what, way)));
    return {
      rows,
      figures: {
        allReducePlainMs: middle('all-reduce', 'plain'),
        allReduceTlsMs: middle('all-reduce', 'tls'),
        imagesPerSecondPlain: middle('training', 'plain'),
        imagesPerSecondTls: middle('training', 'tls'),
        handshakes: options.handshakes,
        connectedPlainSeconds: middle('handshakes', 'plain'),
        connectedTlsSeconds: middle('handshakes', 'tls'),
      },
      ratios: {
        allReduce: round(medianRatio(valuesOf('all-reduce', 'plain'), valuesOf('all-reduce', 'tls'))),
        training: round(medianRatio(valuesOf('training', 'tls'), valuesOf('training', 'plain'))),
      },
      notes: [
        `all-reduce: two ranks, ${options.megabytes} MB over TCP; training: mnist-fast over TCP, workers: ${options.workers}`,
        'handshakes: both sides are on this machine, and each connection is answered over gRPC',
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function makeCertificates(folder: string): Promise<void> {
  const { authority } = await createAuthority({ name: 'bench', days: 2 });
  const revoked = await authority.revoke(undefined, []);
  for (const role of ['coordinator', 'worker'] as const) {
    const { certificate, key } = await authority.issue({ grants: [{ role }], hosts: ['127.0.0.1'], days: 1 });
    await writeTlsFolder(path.join(folder, role), { authority: authority.certificate, certificate, key, revoked });
  }
}

/** Plain first in even turns, TLS first in odd ones. */
async function inTurns(turns: number, take: (way: Way, turn: number) => Promise<TlsRow>): Promise<TlsRow[]> {
  const rows: TlsRow[] = [];
  for (let turn = 0; turn < turns; turn++) {
    for (const way of turn % 2 === 0 ? WAYS : WAYS.toReversed()) rows.push(await take(way, turn));
  }
  return rows;
}

async function reduceInTurns(
  folder: string,
  { megabytes, turns }: Options,
  { isSmall, signal, say }: BenchContext,
): Promise<TlsRow[]> {
  say(`all-reduce of ${megabytes} MB`);
  const open = (way: Way) => {
    const args = way === 'tls' ? [path.join(folder, 'worker')] : [];
    return openRanks<ContenderAsk>({ name: way, script: { file: EXCHANGE, args }, worldSize: 2, signal });
  };
  const worlds = { plain: await open('plain'), tls: await open('tls') };
  try {
    const ask = { length: elementsOf(megabytes), transport: 'tcp' as const, format: 'fp32' as const };
    for (const way of WAYS) {
      await worlds[way].join(ask);
      await worlds[way].steps<TimedSteps>(isSmall ? STEPS.small : STEPS.warmUp);
    }
    return await inTurns(turns, async (way, turn) => {
      const answers = await worlds[way].steps<TimedSteps>(isSmall ? STEPS.small : STEPS.turn);
      const value = round(median(slowest(answers.map(({ milliseconds }) => milliseconds))));
      return { what: 'all-reduce', way, turn, value, unit: 'ms' };
    });
  } finally {
    await Promise.all(WAYS.map((way) => worlds[way].close()));
  }
}

async function connectInTurns(
  folder: string,
  { handshakes, turns }: Options,
  { signal, say }: BenchContext,
): Promise<TlsRow[]> {
  say(`${handshakes} connections at once`);
  return inTurns(turns, async (way, turn) => {
    const script = { file: HANDSHAKE, args: way === 'tls' ? [folder] : [] };
    const world = await openRanks<HandshakeAsk>({ name: way, script, worldSize: 2, signal });
    try {
      await world.join({ connections: handshakes });
      const [, workers] = await world.steps<{ readonly seconds: number }>(1);
      return { what: 'handshakes', way, turn, value: round(workers!.seconds), unit: 's' };
    } finally {
      await world.close();
    }
  });
}

async function trainInTurns(
  folder: string,
  { samples, epochs, workers, turns }: Options,
  { signal, say }: BenchContext,
): Promise<TlsRow[]> {
  const settings = [`samples.train=${samples}`, 'samples.test=256', 'exchange.transport=tcp', 'engine.threads=1'];
  const common = ['--preset', 'mnist-fast', '--workers', String(workers), '--epochs', String(epochs), '--json'];
  const flags = [...common, ...settings.flatMap((setting) => ['--set', setting])];
  return inTurns(turns, async (way, turn) => {
    say(`training, ${way}, turn ${turn}`);
    const args = ['up', ...flags, '--run', `${way}-${turn}`, ...(way === 'tls' ? ['--secure'] : [])];
    const { imagesPerSecond } = await train(args, path.join(folder, 'runs'), signal);
    return { what: 'training', way, turn, value: round(imagesPerSecond), unit: 'images/s' };
  });
}

/** Runs `facet up` and gives back what it prints. */
function train(
  args: readonly string[],
  runs: string,
  signal: AbortSignal,
): Promise<{ readonly imagesPerSecond: number }> {
  const child = spawn(process.execPath, facetCommand(...args), {
    env: { ...process.env, FACET_RUNS: runs },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGTERM',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(stdout) as { imagesPerSecond: number });
      else reject(new Error(`facet up ended with ${code}: ${stderr.trim().split('\n').at(-1) ?? ''}`));
    });
  });
}
