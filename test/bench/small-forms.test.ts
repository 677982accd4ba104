import { describe, expect, test } from 'vitest';
import type { Report } from '../../bench/src/bench.js';
import { BENCHES } from '../../bench/src/registry.js';
import { until } from '../testkit/facet.js';
import { runBench, startBench } from './bench-command.js';

/** Small forms take some seconds; a busy machine may take many times as long. */
const PATIENCE_MS = 180_000;

/** Runs a small form; its report, which has the shape that the bench promises. */
async function smallReport(name: string, ...options: readonly string[]): Promise<Report> {
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

describe('every bench has a form of some seconds, whose JSON has the shape that is promised', () => {
  const claims: Record<string, (report: Report) => void> = {
    preset: (report) => {
      expect(values(report, 'worker')).toEqual([0, 1]);
    },
    engine: (report) => {
      const engines = values(report, 'engine') as string[];
      expect(engines).toEqual(expect.arrayContaining(['captured, micro-batch 4', 'tfjs-cpu, batch 2']));
      expect(engines.some((name) => name.startsWith('2 ranks'))).toBe(true);
      // What is compared must be the same function, or its speed means nothing.
      const { smallCapturedLossDeviation, smallCapturedGradientNormDeviation } = report.figures as Record<
        string,
        number
      >;
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

  test.each(BENCHES.map(({ name }) => name))(
    '%s',
    async (name) => {
      claims[name]!(await smallReport(name));
    },
    PATIENCE_MS,
  );

  test(
    'allreduce --tune',
    async () => {
      const report = await smallReport('allreduce', '--tune', '--sizes-mb', '0.01');
      expect(report.rows).toMatchObject([{ megabytes: 0.01, ratio: 1 }]);
    },
    PATIENCE_MS,
  );
});

test('a command line that cannot be meant lists the benches, or says what was expected, and ends with 2', async () => {
  const [nothing, typo, wrong, unknown] = await Promise.all([
    runBench(),
    runBench('alreduce'),
    runBench('allreduce', '--ranks', '2,one'),
    runBench('recipe', '--sizes-mb', '1'),
  ]);
  for (const { name } of BENCHES) expect(nothing.stderr).toContain(`\n  ${name}: `);
  expect(typo.stderr).toContain("There is no bench 'alreduce'.");
  expect(typo.stderr).toContain('\n  allreduce: ');
  expect(wrong.stderr.trim()).toBe("--ranks is '2,one', expected a whole number from 2");
  expect(unknown.stderr).toContain("Unknown option '--sizes-mb'");
  expect([nothing, typo, wrong, unknown].map(({ code, stdout }) => ({ code, stdout }))).toEqual(
    Array.from({ length: 4 }, () => ({ code: 2, stdout: '' })),
  );
});

describe.runIf(process.platform === 'linux')('a bench that is interrupted leaves nothing behind', () => {
  // The bench, broker and its guard, coordinator, two workers; for `preset` also the command that starts them.
  test.each([
    ['recovery', ['--workers', '2'], 'SIGINT', 130],
    ['preset', ['--epochs', '100'], 'SIGTERM', 143],
  ] as const)(
    '%s',
    async (name, options, signal, code) => {
      await using bench = await startBench(name, '--json', ...options);
      await until('everybody was started', async () => (await bench.processes()).length >= 6);
      bench.interrupt(signal);
      const end = await bench.ended;
      expect(end).toMatchObject({ code, stdout: '' });
      await until('everybody is gone', async () => (await bench.processes()).length === 0);
      expect(await bench.leftFiles()).toEqual([]);
    },
    PATIENCE_MS,
  );
});
