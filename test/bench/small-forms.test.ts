import { describe, expect, test } from 'vitest';
import { BENCHES } from '../../bench/src/registry.js';
import { until } from '../testkit/facet.js';
import { runBench, startBench } from './bench-command.js';
import { benchNames, checkSmallForm, PATIENCE_MS, smallReport } from './small-forms.js';

describe('a bench has a form of some seconds, whose JSON has the shape that is promised', () => {
  test.each(benchNames('quick'))('%s', checkSmallForm, PATIENCE_MS);

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
