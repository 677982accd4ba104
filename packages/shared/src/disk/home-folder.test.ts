import { homedir } from 'node:os';
import { expect, it } from 'vitest';
import { homeFolder } from './home-folder.js';

it('is what the environment says, else what the system says', () => {
  expect(homeFolder({ HOME: '/home/ada' })).toBe('/home/ada');
  expect(homeFolder({ HOME: '' })).toBe(homedir());
});

it('is a folder that is not there for a user without an entry', () => {
  const unknown = (): never => {
    throw new Error('uv_os_homedir returned ENOENT');
  };
  expect(homeFolder({}, unknown)).toBe('/nonexistent');
});
