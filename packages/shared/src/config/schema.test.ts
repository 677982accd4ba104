import { expect, it } from 'vitest';
import { z } from 'zod';
import { configKeys } from './config-keys.js';
import { problemsOf, tasks, withFlags } from '../../test/resolving.js';

interface Node {
  readonly type?: string;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

/** The dotted keys below a node for which a claim holds. */
function keysWhere(node: Node, claim: (node: Node) => boolean, at = ''): string[] {
  const below = Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    keysWhere(child, claim, at === '' ? key : `${at}.${key}`),
  );
  const items = node.items === undefined ? [] : keysWhere(node.items, claim, `${at}[]`);
  return [...(claim(node) ? [at] : []), ...below, ...items];
}

const ROOT = z.toJSONSchema(configKeys(tasks, tasks[0]).schema, { io: 'input' }) as Node;

it('bounds every whole number that something is repeated or allocated by', () => {
  const isUnbounded = ({ type, maximum }: Node): boolean =>
    type === 'integer' && (maximum ?? Number.MAX_SAFE_INTEGER) >= Number.MAX_SAFE_INTEGER;
  // The size of the dataset bounds the samples; nothing is done seed or arithmetic times.
  expect(keysWhere(ROOT, isUnbounded).sort()).toEqual([
    'arithmetic',
    'samples.heldOut',
    'samples.test',
    'samples.train',
    'seed',
  ]);
});

it('bounds the length of every list', () => {
  expect(keysWhere(ROOT, ({ type, maxItems }) => type === 'array' && maxItems === undefined)).toEqual([]);
});

it('refuses a model that a made-up file asks for', () => {
  expect(problemsOf(withFlags({ model: { mlpsPerBlock: 1e9 } }))).toHaveLength(1);
});
