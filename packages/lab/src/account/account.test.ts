/** The account of a run from its facts: what counts as one interruption, and what is believed of its cause. */
import { describe, expect, it } from 'vitest';
import { historyItem, type LedgerRecord } from '@facet/shared';
import { accountLines } from './account-words.js';
import { accountOf } from './account.js';
import type { AccountFacts } from './account-facts.js';

const BEGAN = Date.parse('2026-11-30T07:00:00.000Z');
const at = (ms: number): string => new Date(BEGAN + ms).toISOString();
const member = (pid: number): { workerId: string; host: string; engine: string; device: string } => ({
  workerId: `vm-${pid}-abcdef`,
  ...{ host: 'vm', engine: 'onnxruntime', device: 'cpu' },
});
const commit = (step: number, ms: number, generation = 1): LedgerRecord => ({
  ...{ kind: 'commit', step, epoch: 0, generation, samples: Uint32Array.of(step), loss: 1, weightsCrc: '00000000' },
  at: at(ms),
});
const generation = (id: number, step: number, pids: readonly number[], ms: number): LedgerRecord => ({
  ...{ kind: 'generation', generation: id, step, members: pids.map(member), at: at(ms) },
});
const gone = (pid: number, ms: number): LedgerRecord => ({
  ...{ kind: 'fault', generation: 1, step: 2, code: 'PEER_UNAVAILABLE', at: at(ms) },
  message: `worker ${member(pid).workerId} is gone: it closed its stream`,
});
const RUN: LedgerRecord = {
  ...{ kind: 'run', version: 2, run: 'r', dataset: 'mnist', datasetSha256: '0'.repeat(64), trainSamples: 4 },
  ...{ seed: 1, globalBatch: 1, microBatch: 1, epochs: 1, configSha256: '0'.repeat(64), at: at(0) },
};
const END: LedgerRecord = { kind: 'end', reason: 'finished', step: 4, at: at(9_000) };

function factsOf(records: readonly LedgerRecord[], more: Partial<AccountFacts> = {}): AccountFacts {
  return {
    ...{ run: 'r', items: records.map(historyItem), traces: [], ends: [], stated: [] },
    ...{ ledger: { missing: 0, duplicated: 0, foreign: 0, contradictions: [] }, isRunning: false },
    ...more,
  };
}

const KILLED: readonly LedgerRecord[] = [
  RUN,
  generation(1, 0, [11, 12], 1_000),
  commit(1, 2_000),
  commit(2, 3_000),
  gone(12, 3_500),
  generation(2, 2, [11], 3_600),
  { kind: 'replay', step: 2, generation: 2, weightsCrc: '00000000', seconds: 0.5, at: at(3_800) },
  commit(3, 4_000, 2),
  generation(3, 3, [11, 13], 5_000),
  commit(4, 6_000, 3),
  END,
];

describe('the account of a run', () => {
  it('has one interruption with who was lost, what followed and what it cost', () => {
    const { state, interruptions, arrivals, again } = accountOf(factsOf(KILLED));
    expect(state).toBe('finished');
    expect(interruptions).toHaveLength(1);
    expect(interruptions[0]).toMatchObject({
      ...{ kind: 'fault', step: 2, goesOnAfterMs: 500, again: { steps: 1, seconds: 0.5 } },
      lost: [{ ...member(12), rank: 1 }],
      next: { generation: 2, afterMs: 100 },
    });
    expect(arrivals).toMatchObject([{ generation: 3, joined: [member(13)], worldSize: 2 }]);
    expect(again).toEqual({ steps: 1, seconds: 0.5 });
  });

  it('takes faults without a new step between them for one interruption, and the first for its cause', () => {
    const records = [...KILLED.slice(0, 5), gone(11, 3_550), ...KILLED.slice(5)];
    const { interruptions } = accountOf(factsOf(records));
    expect(interruptions).toHaveLength(1);
    expect(interruptions[0]!.faults).toHaveLength(2);
    expect(interruptions[0]!.cause.what).toContain('vm-12-');
  });

  it('believes whoever saw the process end more than those that lost it', () => {
    const end = { atMs: BEGAN + 3_490, process: 'worker-1', pid: 12, how: 'SIGKILL' };
    const seen = accountOf(factsOf(KILLED, { ends: [end] })).interruptions[0]!.cause;
    expect(seen).toMatchObject({ what: 'worker-1 was killed (SIGKILL, process 12)', evidence: 'launch' });
  });

  it('says first that a ledger is not clean, also of a run that finished', () => {
    const ledger = { missing: 0, duplicated: 2, foreign: 0, contradictions: ['sample 3 is committed twice'] };
    const dirty = accountOf(factsOf(KILLED, { ledger }));
    expect(accountLines(dirty)[0]!.text).toBe('run r: finished, but its ledger is NOT clean');
    expect(dirty.advice).toEqual([
      '`facet ledger check r` names every problem; do not use these weights before you know why',
    ]);
    const short = accountOf(factsOf(KILLED, { ledger: { ...ledger, missing: 7, contradictions: [] } }));
    expect(short.lost!.problems).toEqual(['it is finished, but 7 samples are missing']);
    const open = accountOf(factsOf(KILLED.slice(0, -1), { ledger: { ...ledger, missing: 7, contradictions: [] } }));
    expect(open.lost!.problems).toEqual([]);
  });

  it('tells a worker that stood still from one that was cut off by what it wrote meanwhile', () => {
    const records = KILLED.map((record): LedgerRecord =>
      record.kind === 'fault'
        ? { ...record, message: `worker ${member(12).workerId} was silent for 2000 ms, allowed are 1800 ms` }
        : record,
    );
    const trace = { process: 'worker-1', pid: 12, level: 30, message: 'generation forms' };
    const frozen = accountOf(factsOf(records, { traces: [{ ...trace, atMs: BEGAN + 9_500 }] }));
    expect(frozen.interruptions[0]!.cause.what).toMatch(
      /was silent for 2\.0 s, and was back after 8\.0 s: its process/,
    );
    const cut = accountOf(factsOf(records, { traces: [{ ...trace, atMs: BEGAN + 2_500 }] }));
    expect(cut.interruptions[0]!.cause.what).toContain('the network between it and the coordinator was cut');
  });

  it('says nothing went wrong when nothing did, and what is to be done when it stands still', () => {
    const healthy = [RUN, generation(1, 0, [11, 12], 1_000), commit(1, 2_000), END];
    expect(accountLines(accountOf(factsOf(healthy)))[0]!.text).toBe('run r: finished; nothing went wrong');
    const broken = accountOf(
      factsOf(healthy.slice(0, 3), {
        stated: [{ process: 'coordinator', code: 'PORT_BUSY', message: 'port 5555 is taken' }],
      }),
    );
    expect(broken).toMatchObject({ state: 'unfinished', endCause: { code: 'PORT_BUSY' } });
    expect(broken.advice).toEqual([
      'choose another one, or 0 for any free one',
      'then `facet resume r` goes on with it',
    ]);
  });

  it('names what the ledger does not prove', () => {
    const ledger = { missing: 0, duplicated: 1, foreign: 0, contradictions: ['sample 7 was committed twice'] };
    const texts = accountLines(accountOf(factsOf(KILLED, { ledger }))).map(({ text }) => text);
    expect(texts.join('\n')).toContain('the ledger is NOT clean: sample 7 was committed twice');
  });

  it('counts like causes when there are hundreds', () => {
    const records: LedgerRecord[] = [RUN, generation(1, 0, [11, 12], 1_000)];
    for (let step = 1; step <= 300; step += 1) {
      const ms = 1_000 + step * 1_000;
      records.push(
        commit(step, ms),
        gone(1_000 + step, ms + 10),
        generation(step + 1, step, [11, 2_000 + step], ms + 20),
      );
    }
    const lines = accountLines(accountOf(factsOf([...records, commit(301, 400_000)])));
    expect(lines.length).toBeLessThan(60);
    expect(lines.map(({ text }) => text).join('\n')).toMatch(
      /296 times +worker \.\.\. went away: its connection was closed/,
    );
  });
});
