/** `facet deploy` prints what to apply, from the configuration that `facet up` takes, and refuses what `facet up` refuses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runInProcess } from '../../test/run-cli.js';

let folder = '';
let file = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-deploy-'));
  file = path.join(folder, 'facet.yaml');
  await writeFile(file, 'run: first\ndataset: mnist\npreset: mnist-fast\nworkers: {count: 4}\nbatch: {micro: 16}\n');
});

afterAll(() => rm(folder, { recursive: true }));

async function printed(...args: readonly string[]): Promise<{ readonly text: string; readonly notes: string }> {
  const { code, stdout, stderr } = await runInProcess(['deploy', ...args], {});
  expect({ code, stderr: stderr.replaceAll(/^note: .*\n/gm, '') }).toEqual({ code: 0, stderr: '' });
  return { text: stdout, notes: stderr };
}

describe('facet deploy kubernetes', () => {
  it('prints values of the chart, with what was said and no defaults', async () => {
    const { text } = await printed('kubernetes', '--config', file, '--set', 'checkpoint.everySteps=50');
    expect(parse(text)).toEqual({
      run: 'first',
      task: { dataset: 'mnist', preset: 'mnist-fast' },
      workers: { replicas: 4, min: 1, threads: 1 },
      config: { batch: { micro: 16 }, checkpoint: { everySteps: 50 } },
    });
    expect(text).toMatch(/^# helm install first \/.*\/deploy\/helm\/facet -f THIS_FILE\n/);
  });

  it('asks for a GPU for each worker, and takes a broker that is elsewhere', async () => {
    const settings = ['--device', 'cuda', '--nats', 'nats://nats.example:4222'];
    expect(parse((await printed('kubernetes', '--config', file, ...settings)).text)).toMatchObject({
      workers: { gpus: 1 },
      nats: { enabled: false, url: 'nats://nats.example:4222' },
    });
  });

  it('leaves out what the chart decides, and says so', async () => {
    const { text, notes } = await printed('kubernetes', '--config', file, '--set', 'coordinator.port=5555');
    expect(text).not.toContain('5555');
    expect(notes).toBe('note: coordinator: left out, the chart decides address and ports\n');
  });

  it('says what the image must have', async () => {
    const { notes } = await printed('kubernetes', '--config', file, '--data-folder', '/data');
    expect(notes).toBe(
      'note: dataFolder: /data is on this machine; the image must have it at the same place (docs/deploy/images.md)\n',
    );
  });

  it.each([
    ['a login', ['--nats', 'nats://me:secret@nats.example:4222'], 'nats.url: has a login, expected none in values'],
    ['what facet up refuses', ['--epochs', '0'], 'epochs: 0'],
  ])('refuses %s', async (_, args, message) => {
    const { code, stdout, stderr } = await runInProcess(['deploy', 'kubernetes', '--config', file, ...args], {});
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
  });
});

describe('facet deploy compose', () => {
  it('prints one file with the configuration inside', async () => {
    const { text } = await printed('compose', '--config', file);
    const { services } = parse(text) as {
      services: Record<string, { command?: string[]; deploy?: object; volumes?: string[] }>;
    };
    expect(services['worker']?.deploy).toEqual({ replicas: 4 });
    const { command = [], volumes } = services['coordinator']!;
    expect(command.slice(0, 4)).toEqual(['coordinator', '--run', 'first', '--resume-or-start']);
    // A file cannot be put under a read-only root.
    expect({ volumes, keys: Object.keys(services['coordinator']!) }).toEqual({
      volumes: ['runs:/runs'],
      keys: expect.not.arrayContaining(['configs']) as string[],
    });
    expect(services['prometheus']?.volumes?.[0]).toMatch(/^\/.*\/deploy\/prometheus:\/etc\/prometheus:ro$/);
    const settings = command.filter((_, at) => command[at - 1] === '--set');
    const { stdout } = await runInProcess(['config', '--json', ...settings.flatMap((one) => ['--set', one])], {});
    expect(JSON.parse(stdout)).toMatchObject({
      preset: 'mnist-fast',
      batch: { micro: 16 },
      workers: { count: 4 },
      nats: { url: 'nats://broker:4222' },
      coordinator: { host: 'coordinator', port: 4300, httpPort: 4301 },
    });
  });
});

it('prints the configuration of the systemd units', async () => {
  const { text } = await printed('systemd', '--config', file);
  expect(text).toContain('facet-worker@{0..3}');
  const expected = {
    run: 'first',
    dataset: 'mnist',
    preset: 'mnist-fast',
    workers: { count: 4 },
    batch: { micro: 16 },
  };
  expect(parse(text)).toEqual(expected);
});

it('prints the command for Slurm, quoted for a shell', async () => {
  const { text } = await printed('slurm', '--config', file);
  expect(text).toMatch(/^RUN=first sbatch --ntasks=4 \S+\/deploy\/slurm\/facet\.sbatch --set /);
  expect(text).toContain(` --set 'preset="mnist-fast"' --set batch.micro=16`);
});

it('names the targets that there are', async () => {
  const { code, stderr } = await runInProcess(['deploy', 'mesos'], {});
  expect(code).toBe(2);
  expect(stderr).toContain('kubernetes, compose, systemd, slurm');
});
