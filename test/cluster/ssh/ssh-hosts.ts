/**
 * sshd on hosts of the test kit, and a user on host 1 whose `~/.ssh/config` knows them. OpenSSH looks for that file in the
 * home folder of the user's account and nowhere else, so an `ssh` that names another file stands first on the PATH.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { until } from '../../testkit/facet.js';
import { hostName, type Hosts } from '../../testkit/hosts.js';
import { findProgram } from '../pieces.js';

/** On a busy machine. */
const START_MS = 60_000;

export interface SshUser {
  /** With the `ssh` of the user first on the PATH. */
  readonly environment: NodeJS.ProcessEnv;
}

/** Starts sshd on hosts, which end with them. */
export async function startSshd(hosts: Hosts, on: readonly number[], folder: string): Promise<SshUser> {
  const at = (name: string): string => path.join(folder, name);
  const bin = at('bin');
  await mkdir(bin, { recursive: true, mode: 0o700 });
  // sshd wants the folder of its privilege separation, which a service manager would make.
  await mkdir('/run/sshd', { recursive: true });
  for (const key of ['user', 'machine']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `facet test ${key}`, '-f', at(key)]);
  }
  execFileSync('cp', [at('user.pub'), at('authorized')]);
  const machineKey = execFileSync('cut', ['-d', ' ', '-f', '1,2', at('machine.pub')], { encoding: 'utf8' }).trim();
  const known = on.map((host) => `${hosts.address(host)} ${machineKey}`);
  await writeFile(at('known_hosts'), [...known, ''].join('\n'));
  const config = [
    ...on.flatMap((host) => [`Host ${hostName(host)}`, `  HostName ${hosts.address(host)}`]),
    'Host *',
    '  User root',
    `  IdentityFile ${at('user')}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${at('known_hosts')}`,
    '  ServerAliveInterval 1',
    '  ServerAliveCountMax 4',
    '',
  ];
  await writeFile(at('config'), config.join('\n'));
  const ssh = findProgram('ssh')!;
  await writeFile(path.join(bin, 'ssh'), `#!/bin/sh\nexec ${ssh} -F ${at('config')} "$@"\n`, { mode: 0o755 });
  for (const host of on) {
    const options = [
      `AuthorizedKeysFile=${at('authorized')}`,
      'PermitRootLogin=yes',
      'StrictModes=no',
      'PidFile=none',
      `SetEnv=PATH=${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    ];
    const flags = options.flatMap((option) => ['-o', option]);
    const sshd = hosts.start(host, findProgram('sshd')!, [
      '-D',
      '-e',
      '-f',
      '/dev/null',
      '-h',
      at('machine'),
      ...flags,
    ]);
    let said = '';
    sshd.child.stderr?.on('data', (text: string) => (said += text));
    await until(`sshd of ${hostName(host)} listens: ${said}`, () => said.includes('Server listening'), START_MS);
  }
  return { environment: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` } };
}
