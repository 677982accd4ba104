/** Configuration that is refused: exit code 2, the key, the value and what is expected; nothing is started. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { DATASETS } from '@facet/shared';
import { up, useRefusals, type Refusal } from '../test/refused-commands.js';

const { folder, refused, expectRefused } = useRefusals();

test.each<Refusal>([
  [
    'a setting without a value',
    [...up, '--set', 'seed'],
    "error: option '--set <key=value>' argument 'seed' is invalid. Expected key=value, as in batch.micro=64.\n",
  ],
  [
    'an unknown dataset',
    ['up', '--dataset', 'mnits'],
    `error [CONFIG_INVALID]: dataset: 'mnits' (from the command line), expected one of ${DATASETS.join(', ')}; did you mean mnist?\n`,
  ],
  [
    'an unknown preset',
    [...up, '--preset', 'mnist-fats'],
    "error [CONFIG_INVALID]: preset: 'mnist-fats' (from the command line), expected one of mnist-fast, mnist-best, cifar10-fast, cifar10-best; did you mean mnist-fast?\n",
  ],
  [
    'an attack without steps',
    [...up, '--adversarial', '--set', 'adversarial.steps=0'],
    'error [CONFIG_INVALID]: adversarial.steps: 0 (from the command line), expected a whole number from 1 to 1000\n',
  ],
  [
    'a ball that is larger than the pixels',
    [...up, '--set', 'adversarial.eps=8'],
    'error [CONFIG_INVALID]: adversarial.eps: 8, expected at most 1 in linf: pixels are in [0, 1], so 8 of 255 is 0.0314\n',
  ],
  [
    'no workers',
    ['up', '--dataset', 'mnist', '--workers', '0'],
    'error [CONFIG_INVALID]: workers.count: 0 (from the command line), expected a whole number from 1 to 64: this command starts all of them on this machine\n',
  ],
  [
    'too many workers',
    ['up', '--dataset', 'mnist', '--workers', '65'],
    'error [CONFIG_INVALID]: workers.count: 65, expected a whole number from 1 to 64: this command starts all of them on this machine\n',
  ],
  [
    'more samples than there are',
    [...up, '--set', 'samples.train=60001'],
    'error [CONFIG_INVALID]: samples.train: 60001, expected at most 60000: mnist has no more\n',
  ],
  [
    'a file that is not there',
    [...up, '--config', '/nowhere/facet.yaml'],
    'error [CONFIG_INVALID]: /nowhere/facet.yaml: there is no such file; expected a YAML file with configuration keys\n',
  ],
])('refuses %s', (_, args, message) => expectRefused(args, message));

test('names every problem of a file, the environment and the flags at once', async () => {
  const file = path.join(folder(), 'facet.yaml');
  await writeFile(file, 'epoch: 3\nmodel:\n  depth: two\n');
  const { stderr } = await refused(['coordinator', '--config', file, '--dataset', 'mnist'], { FACET_SEED: 'seven' });
  expect(stderr).toBe(
    [
      'error [CONFIG_INVALID]: 3 problems:',
      "  seed: 'seven' (from FACET_SEED), expected a whole number of at least 0",
      `  model.depth: 'two' (from ${file}), expected a whole number from 1 to 256`,
      `  epoch: unknown key (from ${file}); did you mean epochs?`,
      '',
    ].join('\n'),
  );
});

test('names the line of a file that is no YAML', async () => {
  const file = path.join(folder(), 'broken.yaml');
  await writeFile(file, 'seed: 1\nmodel: [1, 2\n');
  const { stderr } = await refused([...up, '--config', file]);
  expect(stderr).toContain(`error [CONFIG_INVALID]: ${file}: `);
  expect(stderr).toMatch(/at line \d+, column \d+/);
});

test('refuses a damaged dataset, and names the file', async () => {
  const data = path.join(folder(), 'data');
  await mkdir(data);
  for (const split of ['train', 't10k']) {
    await writeFile(path.join(data, `${split}-images-idx3-ubyte`), 'short');
    await writeFile(path.join(data, `${split}-labels-idx1-ubyte`), 'short');
  }
  const { stderr } = await refused([...up, '--data-folder', data]);
  expect(stderr).toContain('error [DATASET_INVALID]');
  expect(stderr).toContain(path.join(data, 'train-images-idx3-ubyte'));
});
