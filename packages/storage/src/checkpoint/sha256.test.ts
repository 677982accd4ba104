import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sha256 } from './sha256.js';

describe('sha256', () => {
  it.each([0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 19])(
    'equals one hash over all %i bytes',
    async (length) => {
      const bytes = Uint8Array.from({ length }, (_, index) => index % 251);
      expect(await sha256(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'));
    },
  );

  it('lets others run while it hashes a large buffer', async () => {
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 0);
    await sha256(new Uint8Array(16 << 20));
    clearInterval(counting);
    expect(turns).toBeGreaterThan(0);
  });
});
