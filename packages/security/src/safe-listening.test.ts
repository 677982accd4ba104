import { describe, expect, it } from 'vitest';
import { requireSafeListening } from './safe-listening.js';

const what = 'the coordinator';
const open = { what, hasTls: false, isInsecure: false };

describe('listening without TLS', () => {
  it.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1', '[::1]', '::ffff:127.0.0.1'])(
    'needs no word on %s',
    (host) => {
      expect(requireSafeListening({ ...open, hosts: [host] })).toBeUndefined();
    },
  );

  it.each(['0.0.0.0', '::', '10.0.0.5', 'train-0.example', '127.0.0.1.example', '1270.0.0.1'])(
    'is refused on %s',
    (host) => {
      const listen = () => requireSafeListening({ ...open, hosts: ['127.0.0.1', host] });
      expect(listen).toThrow(`the coordinator would listen on ${host} without TLS`);
      expect(listen).toThrow('--insecure');
    },
  );

  it('is allowed where somebody says so, with one warning that names every address', () => {
    const hosts = ['10.0.0.5', '127.0.0.1', '0.0.0.0', '10.0.0.5'];
    expect(requireSafeListening({ ...open, hosts, isInsecure: true })).toMatch(
      /listens on 10\.0\.0\.5, 0\.0\.0\.0 without TLS/,
    );
  });

  it('is no question with TLS', () => {
    expect(requireSafeListening({ ...open, hosts: ['0.0.0.0'], hasTls: true })).toBeUndefined();
  });
});
