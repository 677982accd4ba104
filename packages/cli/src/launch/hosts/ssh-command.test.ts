import { execFileSync } from 'node:child_process';
import { expect, it, test } from 'vitest';
import { parseSettings, remoteCommand, sshArguments } from './ssh-command.js';

it('keeps what the user has configured, and sets deadlines where nothing is', () => {
  const silent = sshArguments('h2', parseSettings('serveraliveinterval 0\nconnecttimeout none\n'), 'true');
  expect(silent).toContain('ServerAliveInterval=5');
  expect(silent).toContain('ConnectTimeout=15');
  expect(silent.slice(-3)).toEqual(['--', 'h2', 'true']);
  const own = sshArguments('h2', parseSettings('serveraliveinterval 30\nconnecttimeout 3\n'), 'true').join(' ');
  expect(own).not.toMatch(/ServerAlive|ConnectTimeout/);
});

test.each([
  ["/opt/it's here/facet", ['a b', "c'd"]],
  ['/usr/bin/facet', ['plain']],
])('quotes %j so that a shell gives it back', (facet, args) => {
  // Two shells read it: the login shell of the host, and the one that it starts.
  const command = remoteCommand(facet, args);
  const shown = command.replace('exec sh -c ', 'printf %s ');
  const inner = execFileSync('sh', ['-c', shown], { encoding: 'utf8' });
  const words = execFileSync('sh', ['-c', inner.replace(/^exec /, "printf '%s\\n' ")], { encoding: 'utf8' });
  expect(words.trimEnd().split('\n')).toEqual([facet, ...args]);
});

it('leaves the home folder to the shell, and downloads nothing', () => {
  expect(remoteCommand('~/facet/bin/facet.mjs', ['x'])).toContain('exec ~/facet/bin/facet.mjs x');
  expect(remoteCommand(undefined, ['x'])).toContain('npx --no-install facet-train x');
});
