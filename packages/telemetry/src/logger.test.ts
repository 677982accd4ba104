import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createLogger } from './logger.js';

it('ends nothing when the log cannot be written', () => {
  // The kernel's file on a disk that is always full.
  const full = openSync('/dev/full', 'w');
  try {
    const log = createLogger('coordinator', 'info', full);
    expect(() => {
      for (let line = 0; line < 3; line += 1) log.info({ line }, 'a step');
    }).not.toThrow();
  } finally {
    closeSync(full);
  }
});

it('ends nothing when the disk or the terminal under it fails', () => {
  // Nothing is mapped at address 0, so a write there is an input/output error (EIO).
  const failing = openSync('/proc/self/mem', 'r+');
  try {
    expect(() => writeSync(failing, 'x')).toThrow(/EIO/);
    const log = createLogger('worker', 'info', failing);
    expect(() => {
      for (let line = 0; line < 3; line += 1) log.info({ line }, 'a step');
    }).not.toThrow();
  } finally {
    closeSync(failing);
  }
});

it('holds no command to a terminal, and means the same', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'facet-log-'));
  const file = path.join(folder, 'log');
  const to = openSync(file, 'w');
  try {
    const reason = '\u001b]0;mine\u0007 \u009b2J \u202egnp';
    createLogger('worker', 'info', to).info({ reason }, 'a peer left');
    const line = readFileSync(file, 'utf8');
    expect(line).toMatch(/^[\u0020-\u007e]*\n$/);
    expect(JSON.parse(line)).toMatchObject({ reason, msg: 'a peer left' });
  } finally {
    closeSync(to);
    rmSync(folder, { recursive: true });
  }
});
