import { execFile } from 'node:child_process';
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TrainingError } from '@facet/shared';
import { expect, it, test } from 'vitest';
import { describeFailure } from './failure.js';

function caughtBy(act: () => unknown): unknown {
  try {
    act();
  } catch (caught) {
    return caught;
  }
  throw new Error('nothing was thrown');
}

const quiet = { isDebugging: false };

test.each([
  ['/nowhere/file', /^error \[INTERNAL\]: ENOENT: .*'\/nowhere\/file'; it is not there/],
  ['/dev/null/file', /^error \[DISK_REFUSED\]: .*a part of the path is a file/],
])('an error of the system is one line with what to do: %s', (file, message) => {
  const { lines } = describeFailure(
    caughtBy(() => openSync(file, 'r')),
    quiet,
  );
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(message);
});

it('says what to do about the limit on files, however deep it lies', () => {
  const system = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', syscall: 'open' });
  const told = new TrainingError('DATASET_INVALID', 'mnist cannot be read', { cause: system });
  expect(describeFailure(told, quiet).lines).toEqual([expect.stringMatching(/ulimit -n/)]);
});

it('shows the stack of what nobody foresaw only to whoever asks for it, and says how to report it', () => {
  const fault = new TypeError('x is not a function');
  const { error, lines } = describeFailure(fault, quiet);
  expect(error).toMatchObject({ code: 'INTERNAL', message: 'x is not a function' });
  expect(lines.join('\n')).not.toContain('    at ');
  expect(lines.join('\n')).toMatch(/report it.*FACET_LOG_LEVEL=debug/);
  expect(describeFailure(fault, { isDebugging: true }).lines.join('\n')).toContain('failure.test.ts');
});

it('adds nothing to a message that says everything', () => {
  const told = new TrainingError('CONFIG_INVALID', 'epochs: 0', { cause: new Error('inner') });
  expect(describeFailure(told, quiet).lines).toEqual(['error [CONFIG_INVALID]: epochs: 0']);
});

it('is one message where a process may not even open the files of its code', async () => {
  const launcher = fileURLToPath(new URL('../bin/facet.mjs', import.meta.url));
  const command = `ulimit -n 60 && exec "${process.execPath}" "${launcher}" presets --json`;
  const end = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    execFile('sh', ['-c', command], (_error, stdout, stderr) => {
      resolve({ stdout, stderr });
    });
  });
  expect(end.stderr).toMatch(/^error \[INTERNAL\]: a process may open too few files.*ulimit -n 4096`\)\n$/);
  expect(JSON.parse(end.stdout)).toMatchObject({ error: { code: 'INTERNAL' } });
});
