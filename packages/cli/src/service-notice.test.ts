import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { noticeReady } from './service-notice.js';

it('asks systemd-notify only where a service manager listens, and tells of one that is not there', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'facet-notice-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  noticeReady({ PATH: folder }, 'x', () => {
    throw new Error('nobody asked');
  });
  const told = await new Promise<string>((resolve) => {
    noticeReady({ PATH: folder, NOTIFY_SOCKET: '/run/socket' }, 'x', resolve);
  });
  expect(told).toMatch(/systemd was not told that this service is ready: .*ENOENT/);
  // One that notes what it is told.
  const script = '#!/bin/sh\necho "$NOTIFY_SOCKET $*" > "${0%/*}/said"; exit 3\n';
  writeFileSync(path.join(folder, 'systemd-notify'), script, { mode: 0o755 });
  await new Promise((resolve) => {
    noticeReady({ PATH: `${folder}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/socket' }, 'leads run a', resolve);
  });
  const said = execFileSync('cat', [path.join(folder, 'said')], { encoding: 'utf8' });
  expect(said.trim()).toBe('/run/socket --ready --status=leads run a');
});
