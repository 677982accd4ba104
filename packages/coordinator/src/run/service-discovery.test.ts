import { describe, expect, it } from 'vitest';
import { metricsFault, serviceDiscovery } from './service-discovery.js';
import type { ConnectedWorker, WorkerDirectory } from './worker-directory.js';

const OWN = '10.0.0.6:5000';

describe('what a worker says of its metrics', () => {
  it.each([
    ['http://10.0.0.6:4302/metrics', OWN],
    ['https://10.0.0.6:4302/metrics', OWN],
    ['http://[fd00::6]:4302/metrics', '[fd00::6]:5000'],
    ['http://worker-3.example:4302/metrics', 'Worker-3.example:5000'],
    ['', OWN],
  ])('is believed when it is a place of its own: %s', (metricsUrl, exchangeAddress) => {
    expect(metricsFault({ metricsUrl, exchangeAddress })).toBeUndefined();
  });

  it.each([
    ['http://169.254.169.254/latest/meta-data/', OWN],
    ['http://169.254.169.254/metrics', '169.254.169.254:80'],
    ['http://[fe80::1]:80/metrics', '[fe80::1]:80'],
    ['http://[::ffff:169.254.169.254]/metrics', '[::ffff:a9fe:a9fe]:80'],
    ['http://0xa9fea9fe/metrics', '169.254.169.254:80'],
    ['http://10.0.0.7:4302/metrics', OWN],
    ['http://10.0.0.6:4302/admin/stop', OWN],
    ['http://10.0.0.6:4302/metrics?delete=all', OWN],
    ['http://user:pass@10.0.0.6:4302/metrics', OWN],
    ['file:///etc/passwd', OWN],
    ['gopher://10.0.0.6/metrics', OWN],
    ['no url', OWN],
  ])('is a fault when it is something else: %s of %s', (metricsUrl, exchangeAddress) => {
    expect(metricsFault({ metricsUrl, exchangeAddress })).toEqual(expect.any(String));
  });

  it('is told to Prometheus once the worker is ready', () => {
    const hello = { workerId: 'w', metricsUrl: 'http://10.0.0.6:4302/metrics', exchangeAddress: OWN };
    const listed = (worker: object) =>
      serviceDiscovery('http://10.0.0.5:4301', {
        all: new Map([['w', worker as ConnectedWorker]]),
      } satisfies Pick<WorkerDirectory, 'all'>);
    expect(listed({ hello, program: undefined })).toHaveLength(1);
    expect(listed({ hello, program: {} })).toEqual([
      { targets: ['10.0.0.5:4301'], labels: { role: 'coordinator', __scheme__: 'http' } },
      {
        targets: ['10.0.0.6:4302'],
        labels: { role: 'worker', worker: 'w', __metrics_path__: '/metrics', __scheme__: 'http' },
      },
    ]);
    const elsewhere = { ...hello, metricsUrl: 'http://169.254.169.254/metrics' };
    expect(listed({ hello: elsewhere, program: {} })).toHaveLength(1);
  });
});
