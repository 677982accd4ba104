/**
 * The small forms of the benches, and what their reports must say. Every bench has one of some seconds; those that start many
 * processes are tested by small-forms.long.test.ts, the others by small-forms.test.ts.
 */
import { expect } from 'vitest';
import type { Report } from '../../bench/src/bench.js';
import { BENCHES } from '../../bench/src/registry.js';
import { runBench } from './bench-command.js';

/** Small forms take some seconds; a busy machine may take many times as long. */
export const PATIENCE_MS = 180_000;

/** Runs a small form; its report, which has the shape that the bench promises. */
export async function smallReport(name: string, ...options: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await runBench(name, '--small', '--json', ...options);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(1);
  const bench = BENCHES.find((one) => one.name === name)!;
  const report = bench.report.parse(JSON.parse(lines[0]!));
  expect(report).toMatchObject({ bench: name, isSmall: true, failures: [] });
  return report;
}

const values = (report: Report, field: string): unknown[] =>
  report.rows.map((row) => (row as Record<string, unknown>)[field]);

/** What each report must say. */
const CLAIMS: Record<string, (report: Report) => void> = {
  preset: (report) => {
    expect(values(report, 'worker')).toEqual([0, 1]);
  },
  engine: (report) => {
    const engines = values(report, 'engine') as string[];
    expect(engines).toEqual(expect.arrayContaining(['captured, micro-batch 4', 'tfjs-cpu, batch 2']));
    expect(engines.some((name) => name.startsWith('2 ranks'))).toBe(true);
    // What is compared must be the same function, or its speed means nothing.
    const { smallCapturedLossDeviation, smallCapturedGradientNormDeviation } = report.figures as Record<string, number>;
    expect(smallCapturedLossDeviation).toBeLessThan(1e-5);
    expect(smallCapturedGradientNormDeviation).toBeLessThan(1e-5);
  },
  'engine-ops': (report) => {
    expect(new Set(values(report, 'op')).size).toBeGreaterThan(10);
  },
  examples: (report) => {
    expect(values(report, 'example')).toEqual(['layers-cnn']);
    expect(report.figures).toMatchObject({ tfjsCpuDeviation: expect.toSatisfy((value: number) => value < 1e-4) });
    expect(report.ratios).toMatchObject({ tfjsCpu: expect.any(Number) });
  },
  allreduce: (report) => {
    expect(new Set(values(report, 'name'))).toEqual(
      expect.toSatisfy((names: Set<string>) => ['auto', 'grpc', 'bf16', 'nodeTcp'].every((name) => names.has(name))),
    );
    expect(report.ratios).toMatchObject({ nodeTcp: expect.any(Number) });
  },
  recipe: (report) => {
    expect(values(report, 'what')).toEqual(expect.arrayContaining(['everything', 'adamw']));
  },
  store: (report) => {
    expect(values(report, 'store')).toEqual(['folder', 'nats']);
    expect(report.ratios).toMatchObject({ nats: expect.any(Number) });
  },
  recovery: (report) => {
    expect(values(report, 'signal')).toEqual(['SIGKILL']);
  },
  rehearse: (report) => {
    // Ten workers train, one of them is killed, and then the coordinator is.
    expect(report.rows).toMatchObject([{ workers: 10, killed: 1 }]);
  },
  simulate: (report) => {
    expect(report.figures).toMatchObject({ schedules: 20, failed: 0 });
  },
  strangers: (report) => {
    // Every attack met a run that trains, and a peer got its state afterwards.
    expect((values(report, 'steps') as number[]).every((steps) => steps > 0)).toBe(true);
    expect((report.figures as { stateMB: number }).stateMB).toBeGreaterThan(0.1);
  },
  tls: (report) => {
    expect(new Set(values(report, 'what'))).toEqual(new Set(['all-reduce', 'training', 'handshakes']));
    expect(report.figures).toMatchObject({ handshakes: 16 });
  },
  fuzz: (report) => {
    expect(values(report, 'failed')).toEqual([0]);
  },
};

/** Those whose small form takes half a minute, because many processes start. */
const SLOW = ['engine', 'examples', 'rehearse', 'strangers', 'tls'];

/** Names of benches: the quick ones, or those that are not. */
export function benchNames(kind: 'quick' | 'slow'): string[] {
  return BENCHES.map(({ name }) => name).filter((name) => SLOW.includes(name) === (kind === 'slow'));
}

/** Runs the small form of a bench and checks its report. */
export async function checkSmallForm(name: string): Promise<void> {
  const claim = CLAIMS[name];
  expect(claim, `no claim about the bench ${name}`).toBeDefined();
  claim!(await smallReport(name));
}
