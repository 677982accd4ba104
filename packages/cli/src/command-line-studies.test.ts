/** Studies that are refused: exit code 2, one clear message, nothing started and nothing written. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { DATASETS } from '@facet/shared';
import { studyPlan } from '../../lab/test/made-up-study.js';
import { useRefusals, type Refusal } from '../test/refused-commands.js';
import { runInProcess } from '../test/run-cli.js';

const { folder, expectRefused } = useRefusals();

test.each<Refusal>([
  [
    'a study with an unknown arm',
    ['ablate', '--dataset', 'mnist', '--arms', 'no-injection,view-3'],
    "error [CONFIG_INVALID]: --arms: there is no arm 'view-3', expected some of no-injection, augmented, ",
  ],
  [
    'a study with a seed twice',
    ['ablate', '--dataset', 'mnist', '--seeds', '1-3,2'],
    'error [CONFIG_INVALID]: --seeds: 2 is given twice, expected it once\n',
  ],
  [
    'a study with a seed of its own',
    ['ablate', '--dataset', 'mnist', '--set', 'seed=3'],
    'error [CONFIG_INVALID]: seed: 3, expected --seeds instead: a study has several\n',
  ],
  [
    'a study on attacked samples with an engine that cannot attack',
    ['ablate', '--dataset', 'mnist', '--adversarial', '--engine', 'tensorflow'],
    "error [CONFIG_INVALID]: engine.name: 'tensorflow', expected auto or onnxruntime: no other engine has the attack program that adversarial.eps above 0 needs\n",
  ],
  [
    'a study whose baseline is none of its arms',
    ['ablate', '--dataset', 'mnist', '--arms', 'views-2,views-3', '--baseline', 'views-4'],
    "error [CONFIG_INVALID]: --baseline: 'views-4', expected one of the arms of the study: views-2, views-3; did you mean views-2?\n",
  ],
  [
    'a study with a key that an arm sets',
    ['ablate', '--dataset', 'mnist', '--arms', 'views-3,cross', '--set', 'model.injection=none'],
    'error [CONFIG_INVALID]: model.injection: "none", expected "additive" as in preset mnist-fast, because it is set by views-3, cross; leave it out, or leave these arms out with --arms\n',
  ],
  [
    'a study without a dataset',
    ['ablate', '--arms', 'views-3'],
    `error [CONFIG_INVALID]: dataset: missing, expected one of ${DATASETS.join(', ')}\n`,
  ],
  [
    'a study whose name leads out of its folder',
    ['ablate', '--dataset', 'mnist', '--study', '../x'],
    "error [RUN_NAME_INVALID]: '../x' cannot be the name of a study: expected ",
  ],
])('refuses %s', (_, args, message) => expectRefused(args, message));

describe('with a study that exists', () => {
  const env = () => ({ FACET_RUNS: path.join(folder(), 'studied') });
  const study = () => path.join(folder(), 'studied', 'studies', 'demo');

  beforeAll(async () => {
    await mkdir(study(), { recursive: true });
    const plan = studyPlan(['no-injection', 'views-3'], [1, 2]);
    await writeFile(path.join(study(), 'plan.json'), JSON.stringify({ ...plan, study: 'demo' }));
  });

  it.each([
    [['--epochs', '9'], 'study demo was planned with another epochs; leave it out to go on'],
    [['--preset', 'cifar10-fast'], 'preset: '],
    [['--baseline', 'cross'], "--baseline: 'cross', expected one of the arms of the study: no-injection, views-3"],
  ])('does not go on with %j, and writes nothing', async (args, message) => {
    const { code, stderr } = await runInProcess(['ablate', '--study', 'demo', ...args], env());
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(message);
    expect(await readdir(study())).toEqual(['plan.json']);
  });

  it('does not begin without a broker, and writes nothing', async () => {
    const broken = { ...env(), NATS_SERVER_BIN: '/nowhere/nats-server' };
    const { code, stderr } = await runInProcess(['ablate', '--study', 'demo'], broken);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain('error [BROKER_NOT_FOUND]');
    expect(await readdir(study())).toEqual(['plan.json']);
  });
});
