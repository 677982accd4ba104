/** Opens an address in the browser of whoever sits here, as `--open` asks. It never fails anything: the address is printed too. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import type { CliContext } from '../context.js';

export function addOpenOption(command: Command): Command {
  return command.option('--open', 'open the live page in a browser; not in CI, and not without a terminal');
}

/** Opens it, unless nobody sits here. */
export function openInBrowser(url: string, { env, stdout }: Pick<CliContext, 'env' | 'stdout'>): void {
  const hasPerson = stdout.isTTY === true && !env['CI'];
  // What a program of the system is handed must be an address and nothing else.
  if (!hasPerson || !/^https?:\/\/[^\s&|<>^"']+$/.test(url)) return;
  const [command, ...args] = opener(process.platform);
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

function opener(platform: NodeJS.Platform): readonly [string, ...string[]] {
  switch (platform) {
    case 'darwin':
      return ['open'];
    case 'win32':
      return ['cmd', '/c', 'start', ''];
    default:
      return ['xdg-open'];
  }
}
