/**
 * One ssh connection to one host, and the `facet` at its other end. The connection is the life of the workers there: whoever
 * ends the client ends them. What ssh and the login shell of the host say is kept for messages, in their own words.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { PRIVATE_FILE, TrainingError } from '@facet/shared';
import type { Environment } from '../../context.js';
import { describeEnd, watchChild, type Child } from '../child-process.js';
import { onEachLine } from './bounded-lines.js';
import { HOST_COMMAND } from './host-command.js';
import type { HostEntry } from './hosts-file.js';
import {
  formatMessage,
  parseFromHost,
  type HostHello,
  type HostOrder,
  type HostIdentity,
  type MessageFromHost,
} from './host-messages.js';
import { remoteCommand, sshArguments, type SshSettings } from './ssh-command.js';

/** Far less than what a host takes for silence. */
const ALIVE_MS = 5_000;
/** From the first packet to the first word of our command, which a busy host needs seconds to load. */
const HELLO_MS = 60_000;
/** Lines of ssh, for messages. */
const SHOWN_LINES = 4;
/** What ssh exits with when the fault is its own or of the connection; anything else is of the command there. */
const CONNECTION_FAILED = 255;

export interface LinkOptions {
  readonly entry: HostEntry;
  /** What the user has configured for it. */
  readonly settings: SshSettings;
  /** Path of `facet` there; absent: it is looked for. */
  readonly remoteFacet: string | undefined;
  readonly codeVersion: string;
  readonly env: Environment;
  /** Of what is said on this connection. */
  readonly logFile: string;
  readonly onMessage: (message: MessageFromHost) => void;
  /** A line that ssh or the login shell wrote. */
  readonly onWords: (line: string) => void;
}

/** A connection as a process that can be watched and ended like any other of a launch. */
export interface HostLink extends Child {
  /**
   * The other end is there.
   *
   * @throws TrainingError HOST_UNREACHABLE with ssh's own words; VERSION_MISMATCH when another Facet is there.
   */
  readonly hello: Promise<HostHello>;
  /** Everything that the host has said was taken: the end of a process may be told before that. */
  readonly drained: Promise<void>;
  /** Why it ended, in its own words. */
  why(): string;
  order(order: HostOrder): void;
  renew(identity: HostIdentity): void;
}

/** Starts the connection. */
export function openLink(options: LinkOptions): HostLink {
  const { entry, settings, remoteFacet, env, logFile, onMessage, onWords } = options;
  const args = sshArguments(entry.name, settings, remoteCommand(remoteFacet, [HOST_COMMAND]));
  const words: string[] = [];
  const note = (line: string): void => {
    appendFileSync(logFile, `${line}\n`, { mode: PRIVATE_FILE });
  };
  const say = (line: string): void => {
    note(line);
    words.push(line);
    if (words.length > SHOWN_LINES) words.shift();
    onWords(line);
  };
  const spawned = spawn('ssh', args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], env });
  const child = watchChild(spawned, {
    name: entry.name,
    logFile,
    logStart: 0,
    onNotStarted: (reason) => {
      say(`cannot start ssh: ${reason}; install the OpenSSH client (Debian, Ubuntu: apt-get install openssh-client)`);
    },
  });
  const send = (text: string): void => {
    if (spawned.stdin.writable) spawned.stdin.write(text);
  };
  const alive = setInterval(() => {
    send(formatMessage({ kind: 'alive' }));
  }, ALIVE_MS);
  void child.ended.then(() => {
    clearInterval(alive);
  });
  void onEachLine(spawned.stderr, say);
  let onHello: (hello: HostHello) => void = () => undefined;
  const drained = onEachLine(spawned.stdout, (line) => {
    const message = parseFromHost(line);
    // What a login shell prints before our command begins.
    if (message === undefined) say(line);
    else if (message.kind === 'hello') onHello(message);
    else onMessage(message);
  });
  const hello = firstWord(child, options, {
    words,
    listen: (take) => {
      onHello = take;
    },
  });
  // Whoever asks is told; a connection that is given up meanwhile is no fault of the process.
  hello.catch(() => undefined);
  return {
    ...child,
    hello,
    drained,
    why: () => saidBy(words, child),
    order: (order) => {
      send(formatMessage(order));
    },
    renew: (identity) => {
      send(formatMessage({ kind: 'identity', identity }));
    },
  };
}

function firstWord(
  child: Child,
  { entry, codeVersion }: LinkOptions,
  { words, listen }: { readonly words: readonly string[]; readonly listen: (take: (hello: HostHello) => void) => void },
): Promise<HostHello> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(unreachable(`${entry.name} has not answered after ${HELLO_MS / 1_000} s${told(words)}`));
      child.kill();
    }, HELLO_MS);
    void child.ended.then(({ code, signal }) => {
      clearTimeout(late);
      const isRemote = code !== CONNECTION_FAILED && signal === undefined;
      const advice = isRemote ? '; install Facet there, or say where it is with --remote-facet PATH' : '';
      reject(unreachable(`${entry.name}: ${saidBy(words, child)}${advice}`));
    });
    listen((hello) => {
      clearTimeout(late);
      if (hello.codeVersion === codeVersion) {
        resolve(hello);
        return;
      }
      reject(
        new TrainingError(
          'VERSION_MISMATCH',
          `${entry.name} has Facet ${hello.codeVersion}, this machine has ${codeVersion}; install the same version on both`,
        ),
      );
      child.release();
    });
  });
}

function saidBy(words: readonly string[], child: Child): string {
  const end = child.end();
  const how = end === undefined || end.code === CONNECTION_FAILED ? '' : ` (${describeEnd(end)})`;
  const text = words.join('; ');
  return text === '' ? `the connection ended${how}` : `${text}${how}`;
}

function told(words: readonly string[]): string {
  return words.length === 0 ? '' : `: ${words.join('; ')}`;
}

function unreachable(message: string): TrainingError {
  return new TrainingError('HOST_UNREACHABLE', message);
}
