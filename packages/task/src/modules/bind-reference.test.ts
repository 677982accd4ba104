import { expect, it } from 'vitest';
import { bindReference } from './bind-reference.js';

const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

it('a module makes the task from the argument that it is given', async () => {
  const module = moduleOf('export const bind = async (argument) => ({ name: argument.name });');
  expect(await bindReference({ module, argument: { name: 'far' } })).toEqual({ name: 'far' });
});

it('a module that makes none is named', async () => {
  const module = moduleOf('export const bound = 1;');
  await expect(bindReference({ module, argument: null })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: `${module} does not export bind, which makes the task; report this as a bug`,
  });
});
