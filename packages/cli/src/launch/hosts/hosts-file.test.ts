import { expect, it, test } from 'vitest';
import { parseHosts } from './hosts-file.js';

const read = (text: string): unknown => parseHosts(text, { file: 'hosts.txt', slots: 2 });

it('reads hosts, slots and comments', () => {
  expect(read('# all of them\nh1\n  user@10.0.0.6 slots=8 # two sockets\n\nssh://h3:2222\n')).toEqual([
    { name: 'h1', slots: 2 },
    { name: 'user@10.0.0.6', slots: 8 },
    { name: 'ssh://h3:2222', slots: 2 },
  ]);
});

test.each([
  ['-oProxyCommand=evil', /hosts\.txt:1: '-oProxyCommand=evil', expected a host as ssh takes it/],
  ['h1\nh2 slots=0', /hosts\.txt:2: 'slots=0' after h2/],
  ['h1 gpus=1', /'gpus=1' after h1, expected nothing or slots=N/],
  ['h1\nh1', /hosts\.txt:2: 'h1' stands there twice; say slots=N/],
  ['# nobody', /names no host/],
  ['h;1\n$(h)', /'h;1'.*\n.*'\$\(h\)'/],
])('refuses %j', (text, message) => {
  expect(() => read(text)).toThrow(message);
});
