import { expect, test } from 'vitest';
import { expiryWarning } from './open-identity.js';

const HOUR = 3_600_000;
const days = (count: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(0),
  notAfter: new Date(count * 24 * HOUR),
});

test.each([
  [100, 24 * 89, undefined],
  [100, 24 * 90, /expires in 240 hours, on 1970-04-11T00:00:00.000Z; renew it with/],
  [1, 12, undefined],
  [1, 23, /expires in 1 hours/],
  [1, 25, /expires in 0 hours/],
])('of a life of %i days, after %i hours', (life, hours, message) => {
  const said = expiryWarning(days(life), hours * HOUR);
  if (message === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(message);
});
