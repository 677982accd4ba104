/** `facet config` prints what a run would get, and what can be said. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { PRESETS } from '@facet/multiview/config';
import { runInProcess } from '../../test/run-cli.js';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-config-'));
});

afterAll(() => rm(folder, { recursive: true }));

test('prints a file that gives the same configuration again', async () => {
  const said = ['--preset', 'mnist-fast', '--set', 'batch.micro=64', '--run', 'same'];
  const first = await runInProcess(['config', ...said], { FACET_SEED: '9' });
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const config = parse(first.stdout) as Record<string, unknown>;
  expect(config).toMatchObject({ ...PRESETS['mnist-fast'], seed: 9, batch: { global: 128, micro: 64 }, run: 'same' });
  expect(first.stdout).toContain('seed: 9 # from the environment\n');
  expect(first.stdout).toContain('micro: 64 # from the flags\n');
  const file = path.join(folder, 'facet.yaml');
  await writeFile(file, first.stdout);
  const second = await runInProcess(['config', '--config', file, '--json'], {});
  expect(JSON.parse(second.stdout)).toEqual(config);
});

test('says above every key what it means, and what it would be', async () => {
  const { stdout } = await runInProcess(['config', '--preset', 'mnist-fast', '--set', 'batch.micro=64'], {});
  expect(stdout).toMatch(/\n {2}# Samples of one step, over all workers\.\n {2}global: 128\n/);
  expect(stdout).toMatch(
    /\n {2}# Samples of one call[^\n]*\n {2}# [^\n]*Default: 32\.\n {2}micro: 64 # from the flags\n/,
  );
  const lines = stdout.trimEnd().split('\n');
  const keys = lines.flatMap((line, at) => (/^ *[A-Za-z0-9]+:/.test(line) ? [at] : []));
  expect(keys.length).toBeGreaterThan(90);
  expect(keys.filter((at) => !/^ *# /.test(lines[at - 1] ?? '')).map((at) => lines[at])).toEqual([]);
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
});

test('names no run when nobody did, so that the file works more than once', async () => {
  const named = async (env: Readonly<Record<string, string>>, ...flags: readonly string[]): Promise<unknown> => {
    const { stdout } = await runInProcess(['config', '--preset', 'mnist-fast', '--json', ...flags], env);
    return (JSON.parse(stdout) as Record<string, unknown>)['run'];
  };
  expect(await named({})).toBeUndefined();
  expect(await named({}, '--run', 'flag')).toBe('flag');
  const file = path.join(folder, 'named.yaml');
  await writeFile(file, 'run: in-file\n');
  expect(await named({}, '--config', file)).toBe('in-file');
  const { stdout } = await runInProcess(['config', '--preset', 'mnist-fast'], {});
  expect(parse(stdout)).toMatchObject({ preset: 'mnist-fast' });
  expect(parse(stdout)).not.toHaveProperty('run');
});

test('shows no password', async () => {
  const { stdout } = await runInProcess(['config', '--preset', 'mnist-fast', '--nats', 'nats://me:sesame@h:4222'], {});
  expect(stdout).toContain('@h:4222');
  expect(stdout).not.toContain('sesame');
});

test('refuses what a run would refuse', async () => {
  const { code, stderr } = await runInProcess(['config', '--preset', 'mnist-fast', '--set', 'epoch=3'], {});
  expect(code).toBe(2);
  expect(stderr).toContain('did you mean epochs?');
});

test('prints a schema that takes a partial file and refuses an unknown key', async () => {
  const { stdout } = await runInProcess(['config', '--schema'], {});
  const schema = JSON.parse(stdout) as Parameters<typeof z.fromJSONSchema>[0];
  const reader = z.fromJSONSchema(schema);
  expect(reader.safeParse({ epochs: 3, batch: { micro: 64 } }).success).toBe(true);
  expect(reader.safeParse({ epoch: 3 }).success).toBe(false);
  expect(reader.safeParse({ epochs: 'three' }).success).toBe(false);
});

test('prints a schema that requires no key of a mapping, but those of a list item', async () => {
  const { stdout } = await runInProcess(['config', '--schema'], {});
  const schema = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  const required = ['features', 'stride'];
  expect(schema).toMatchObject({
    properties: {
      task: {
        properties: {
          options: { properties: { model: { properties: { stemConvolutions: { items: { required } } } } } },
        },
      },
    },
  });
  const places = placesOf('required', schema).filter((place) => !place.startsWith('properties.changes.items'));
  // An option stands in both forms.
  const list = 'properties.model.properties.stemConvolutions.items';
  expect(places).toEqual([`properties.task.properties.options.${list}`, list]);
});

/** Where in a JSON Schema a keyword stands. */
function placesOf(keyword: string, schema: Readonly<Record<string, unknown>>, at: readonly string[] = []): string[] {
  return Object.entries(schema).flatMap(([key, member]) => {
    if (key === keyword && Array.isArray(member)) return [at.join('.')];
    const isSchema = typeof member === 'object' && member !== null && !Array.isArray(member);
    return isSchema ? placesOf(keyword, member as Readonly<Record<string, unknown>>, [...at, key]) : [];
  });
}
