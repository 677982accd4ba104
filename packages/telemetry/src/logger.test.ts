import { closeSync, openSync } from 'node:fs';
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
