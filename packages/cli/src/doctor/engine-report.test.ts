import { describe, expect, it, test } from 'vitest';
import type { EngineProbe } from '@facet/engine';
import { PLAIN_PALETTE } from '../display/palette.js';
import { chooseFrom, TIMED_PROGRAM_TEXT } from './engine-probes.js';
import { engineLines, engineRemedies, isHealthy, type EngineReport } from './engine-report.js';

const onCpu: EngineProbe = {
  name: 'onnxruntime',
  device: 'cpu',
  ok: true,
  detail: 'gradients agree with the reference',
  milliseconds: 13.71,
  maxRelativeError: 9.5e-7,
};
const absent: EngineProbe = {
  name: 'tensorflow',
  device: 'cpu',
  ok: false,
  code: 'ENGINE_UNAVAILABLE',
  detail: 'tensorflow is not installed; run this. `facet doctor` says what works',
  milliseconds: undefined,
  maxRelativeError: undefined,
};
const crashed: EngineProbe = {
  name: 'onnxruntime',
  device: 'webgpu',
  ok: false,
  detail: 'probing it failed: its process was ended by SIGSEGV',
  milliseconds: undefined,
  maxRelativeError: undefined,
};
const takesCpu: EngineReport['auto'] = {
  ok: true,
  engine: { name: 'onnxruntime', device: 'cpu' },
  reason: 'no GPU is seen, and it runs everywhere',
};
const report: EngineReport = { probes: [onCpu, crashed, absent], auto: takesCpu };
const note = `time: ${TIMED_PROGRAM_TEXT}; error: the largest relative one of loss and gradients against the reference`;

describe('the report on engines', () => {
  it('has a row for each, what the numbers mean, and what auto takes', () => {
    expect(engineLines(report, { palette: PLAIN_PALETTE, columns: undefined })).toEqual([
      'engine       device  state      time   error  detail',
      'onnxruntime  cpu     ok      13.7 ms  9.5e-7  gradients agree with the reference',
      'onnxruntime  webgpu  failed        -       -  probing it failed: its process was ended by SIGSEGV',
      'tensorflow   cpu     absent        -       -  tensorflow is not installed; run this',
      note,
      'auto takes onnxruntime/cpu here: no GPU is seen, and it runs everywhere',
    ]);
  });

  it.each([80, 120])('fits a terminal of %d columns', (columns) => {
    const long = { ...absent, detail: Array.from({ length: 60 }, () => 'word').join(' ') };
    const lines = engineLines({ ...report, probes: [long] }, { palette: PLAIN_PALETTE, columns });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  });

  it('gives advice about what failed, not about what is absent', () => {
    expect(engineRemedies(report)).toEqual([expect.stringMatching(/^onnxruntime on webgpu: update /)]);
    const broken: EngineReport = { probes: [absent], auto: { ok: false, reason: 'none' } };
    expect(engineRemedies(broken)).toEqual(['no engine works: run `npm install` again']);
  });

  it('is healthy when auto finds an engine, or when one of those that were asked for works', () => {
    expect(isHealthy(report)).toBe(true);
    expect(isHealthy({ probes: [onCpu], auto: { ok: false, reason: 'none' } })).toBe(false);
    expect(isHealthy({ probes: [onCpu, crashed] })).toBe(true);
    expect(isHealthy({ probes: [absent] })).toBe(false);
  });
});

test('auto chooses from probes that were made, never what failed', async () => {
  expect(await chooseFrom([{ ...onCpu, ok: false, detail: 'broken' }, crashed, absent])).toMatchObject({
    ok: false,
    reason: expect.stringContaining('onnxruntime/cpu: broken'),
  });
  const tensorflow: EngineProbe = { ...onCpu, name: 'tensorflow', milliseconds: 30 };
  expect(await chooseFrom([{ ...onCpu, ok: false, detail: 'broken' }, tensorflow])).toMatchObject({
    ok: true,
    engine: { name: 'tensorflow', device: 'cpu' },
  });
});
