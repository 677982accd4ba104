/**
 * The documentation against the repository: what it names exists. Sentences cannot be tested; names, links and numbers can,
 * and they are what goes wrong when code changes. Every test lists all of its findings with file and line.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BENCHES } from '../../bench/src/registry.js';
import { NAMED_TASKS } from '@facet/lab/data';
import { configKeys, valueAt } from '@facet/shared';
import { parse } from 'yaml';
import { documentedMetrics } from '../metrics/metric-names.js';
import {
  facetArguments,
  flagsOf,
  isKnownFlag,
  lineProblem,
  mentionProblem,
} from '../../packages/cli/test/documented-lines.js';
import { anchorsOf, readPage, repositoryFiles, ROOT, type Found, type Page } from './markdown.js';
import { presetNumberProblems } from './preset-numbers.js';

const FILES = repositoryFiles();
/** CHANGELOG.md tells what was; only its links must resolve today. */
const PAGES = FILES.filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md').map(readPage);
const SPANS = PAGES.flatMap(({ spans }) => spans);
const BLOCK_LINES = PAGES.flatMap(({ blockLines }) => blockLines);

/** The source of everything that runs, without tests: what a name must occur in. */
let source = '';

beforeAll(() => {
  source = FILES.filter((file) => /\.(ts|mts|mjs|py|proto|yaml|yml)$|Dockerfile$/.test(file))
    .filter((file) => !/\.test\.|^test\//.test(file))
    .map((file) => readFileSync(path.join(ROOT, file), 'utf8'))
    .join('\n');
});

/** `file:line: text: problem` for each thing that has a problem. */
function problems(found: readonly Found[], problemOf: (text: string, at: string) => string | undefined): string[] {
  return found.flatMap(({ text, at }) => {
    const problem = problemOf(text, at);
    return problem === undefined ? [] : [`${at}: ${text}: ${problem}`];
  });
}

describe('commands', () => {
  test('the program takes every facet command of a code block', async () => {
    const found: string[] = [];
    for (const { text, at } of BLOCK_LINES) {
      const args = facetArguments(text);
      const problem = args === undefined ? undefined : await lineProblem(args);
      if (problem !== undefined) found.push(`${at}: ${text}: ${problem}`);
    }
    expect(found).toEqual([]);
    expect(BLOCK_LINES.filter(({ text }) => facetArguments(text) !== undefined).length).toBeGreaterThan(15);
  });

  test('commands and flags that inline code names exist', () => {
    const found = problems(SPANS, (text) => {
      const args = facetArguments(text);
      return args === undefined ? undefined : mentionProblem(args);
    });
    expect(found).toEqual([]);
    expect(SPANS.filter(({ text }) => facetArguments(text) !== undefined).length).toBeGreaterThan(50);
  });

  /** Of other programs: npm, docker, python. */
  const FOREIGN_FLAGS = [
    ...['--silent', '--scale', '--volumes', '--shm-size', '--build'],
    // Of sbatch.
    ...['--array', '--cpus-per-task', '--export', '--gpus-per-task', '--no-kill', '--nodes', '--signal'],
    ...['--ntasks', '--ntasks-per-node', '--ntasks-per-socket'],
  ];

  test('flags that stand alone belong to a command or a bench', () => {
    const found = problems(
      SPANS.filter(({ text }) => text.startsWith('--')),
      (text) => {
        const unknown = flagsOf(text.split(' ')).find(
          (flag) => !isKnownFlag(flag) && !FOREIGN_FLAGS.includes(flag) && !isInBenches(flag),
        );
        return unknown === undefined ? undefined : `no command has ${unknown}`;
      },
    );
    expect(found).toEqual([]);
  });

  test('npm scripts and benches exist, and so do the flags of the benches', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Readonly<Record<string, string>>;
    };
    expect(BENCH_NAMES).toContain('allreduce');
    const found = problems([...SPANS, ...BLOCK_LINES], (text) => {
      const [, script, rest = ''] = /(?:^|\s)npm run (?:--silent )?([\w:-]+)(.*)/.exec(text) ?? [];
      if (script === undefined) return undefined;
      if (!Object.hasOwn(scripts, script)) return 'package.json has no such script';
      if (script !== 'bench') return undefined;
      const [name, ...words] = rest.replace(/^ -- /, '').trim().split(' ');
      if (name === '' || name === 'NAME') return undefined;
      if (!BENCH_NAMES.includes(name!)) return `there is no bench '${name}', only ${BENCH_NAMES.join(', ')}`;
      const unknown = flagsOf(words).find((flag) => !isInBenches(flag));
      return unknown === undefined ? undefined : `no bench reads ${unknown}`;
    });
    expect(found).toEqual([]);
  });

  test('CONTRIBUTING.md lists every bench', () => {
    const { spans } = readPage('CONTRIBUTING.md');
    const listed = spans.flatMap(({ text }) => /^npm run bench -- ([\w-]+)$/.exec(text)?.[1] ?? []);
    expect(listed.filter((name) => name !== 'NAME').sort()).toEqual([...BENCH_NAMES].sort());
  });
});

describe('places', () => {
  const pages = new Map<string, Page>([...PAGES, readPage('CHANGELOG.md')].map((page) => [page.file, page]));

  test('links between pages resolve, and so do their anchors', () => {
    const found = [...pages.values()].flatMap((page) =>
      problems(page.links, (target) => linkProblem(page.file, target)),
    );
    expect(found).toEqual([]);
  });

  function linkProblem(file: string, target: string): string | undefined {
    if (/^https?:/.test(target)) return undefined;
    const [place = '', anchor] = target.split('#');
    const to = place === '' ? file : path.posix.join(path.posix.dirname(file), place).replace(/\/$/, '');
    if (!exists(to)) return `${to} does not exist`;
    const other = pages.get(to);
    if (anchor === undefined || (other !== undefined && anchorsOf(other).includes(anchor))) return undefined;
    return `${to} has no heading for #${anchor}`;
  }

  test('files and folders that inline code names exist', () => {
    const top = new Set(FILES.filter((file) => file.includes('/')).map((file) => file.split('/')[0]!));
    const found = problems(SPANS, (text) => {
      if (!/^[\w.@-]+(\/[\w.@-]+)*\/?$/.test(text)) return undefined;
      const name = text.replace(/\/$/, '');
      const isFromTop = text.includes('/') && top.has(name.split('/')[0]!);
      if (isFromTop) return exists(name) ? undefined : 'no such file or folder';
      if (!/\w\.(ts|mts|mjs|proto|py)$/.test(name)) return undefined;
      return FILES.some((file) => `/${file}`.endsWith(`/${name}`)) ? undefined : 'no file ends like this';
    });
    expect(found).toEqual([]);
  });
});

describe('names', () => {
  /** Endings of files that begin like a key of the configuration: `model.safetensors`, `run.json`. */
  const FILE_ENDING = /\.(json|jsonl|safetensors|onnx|html|proto|yaml|ts|mjs|md|key|token|crt|conf|env)$/;
  const short = configKeys(NAMED_TASKS, NAMED_TASKS[0]).all;
  const options = NAMED_TASKS.flatMap((task) => Object.keys(task.options.shape));
  const long = short.filter((key) => options.includes(key.split('.')[0]!)).map((key) => `task.options.${key}`);
  const keys = [...short, ...long, 'task.module', 'task.sha256'];
  const sections = new Set(keys.map((key) => key.split('.')[0]!));
  /** Of a module of the reader's own: named in an example, known to nobody. */
  const isOwnOption = (name: string): boolean => {
    const [task, place, option = ''] = name.split('.');
    return task === 'task' && place === 'options' && option !== '' && !options.includes(option);
  };
  const isKey = (name: string): boolean =>
    isOwnOption(name) || keys.some((key) => key === name || key.startsWith(`${name}.`));
  /** Pages about Kubernetes name values of the chart as well. */
  const CHART_PAGES = ['docs/deploy/kubernetes.md', 'docs/adr/0027-jobs-on-kubernetes.md'];
  const values = parse(readFileSync(path.join(ROOT, 'deploy/helm/facet/values.yaml'), 'utf8')) as unknown;
  const isValue = (name: string): boolean => valueAt(values, name.split('.')) !== undefined;
  const isNamedKey = (name: string, page: string): boolean =>
    isKey(name) || (CHART_PAGES.includes(page) && (isValue(name) || isKey(name.replace(/^config\./, ''))));
  const pageOf = (at: string): string => at.split(':')[0]!;

  test('keys of the configuration exist', () => {
    const found = problems(SPANS, (text, at) => {
      const [, key] = /^([a-z]\w*(?:\.[a-z]\w*)*)(?:\.\*|(?:=|: ).+)?$/.exec(text) ?? [];
      if (key === undefined || FILE_ENDING.test(text) || !sections.has(key.split('.')[0]!)) return undefined;
      return isNamedKey(key, pageOf(at)) ? undefined : 'the schema has no such key';
    });
    expect(found).toEqual([]);
  });

  test('keys that --set sets exist', () => {
    const sets = [...SPANS, ...BLOCK_LINES].flatMap(({ text, at }) =>
      [...text.matchAll(/--set ([\w.]+)=/g)].map(([, key]) => ({ text: key!, at })),
    );
    const problemOf = (key: string, at: string): string | undefined =>
      isNamedKey(key, pageOf(at)) || key === 'key' ? undefined : 'no such key';
    expect(problems(sets, problemOf)).toEqual([]);
    expect(sets.length).toBeGreaterThan(10);
  });

  /** Read by other programs than ours. */
  const FOREIGN_NAMES = ['CUDA_VISIBLE_DEVICES', 'WORKER_FLAGS'];

  test('variables, constants and error codes occur in the source', () => {
    const named = [...SPANS, ...BLOCK_LINES].flatMap(({ text, at }) =>
      [...text.matchAll(/(?<![\w-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w)/g)].map(([name]) => ({ text: name, at })),
    );
    const found = problems(named, (name) =>
      FOREIGN_NAMES.includes(name) || source.includes(name) ? undefined : 'occurs nowhere in the source',
    );
    expect(found).toEqual([]);
    expect(named.length).toBeGreaterThan(50);
  });

  test('metrics are those of the tables in docs/operations.md', () => {
    const documented = documentedMetrics();
    const metrics = SPANS.filter(({ text }) => /^facet_[a-z_]+$/.test(text));
    expect(problems(metrics, (name) => (documented.has(name) ? undefined : 'is no metric'))).toEqual([]);
    expect(metrics.length).toBeGreaterThan(documented.size / 2);
  });
});

test('sizes, accuracies and times of presets agree with the code', () => {
  expect(PAGES.flatMap(presetNumberProblems)).toEqual([]);
});

function exists(place: string): boolean {
  return place === '' || FILES.some((file) => file === place || file.startsWith(`${place}/`));
}

const BENCH_NAMES = BENCHES.map(({ name }) => name);

let benchSource: string | undefined;

/** Whether any bench could read a flag: its name occurs in the folder. */
function isInBenches(flag: string): boolean {
  benchSource ??= FILES.filter((file) => file.startsWith('bench/'))
    .map((file) => readFileSync(path.join(ROOT, file), 'utf8'))
    .join('\n');
  return new RegExp(`(?<![\\w-])${flag.replace(/^--/, '')}(?![\\w-])`).test(benchSource);
}
