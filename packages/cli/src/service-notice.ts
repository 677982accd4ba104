/**
 * Tells the service manager that a service is ready (sd_notify). Node has no datagram sockets of Unix, and none of the packages
 * that have them comes without a native build, so systemd's own `systemd-notify` does it. The unit needs NotifyAccess=all.
 */
import { execFile } from 'node:child_process';
import type { Environment } from './context.js';

/** systemd answers within milliseconds. */
const LIMIT_MS = 10_000;

/** Says that the service is ready, and how it is; does nothing where no service manager asked. */
export function noticeReady(env: Environment, status: string, onTrouble: (message: string) => void): void {
  if (!env['NOTIFY_SOCKET']) return;
  execFile('systemd-notify', ['--ready', `--status=${status}`], { env, timeout: LIMIT_MS }, (error) => {
    if (error !== null) onTrouble(`systemd was not told that this service is ready: ${error.message.trim()}`);
  });
}
