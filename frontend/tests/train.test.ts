import { describe, expect, it } from 'vitest';
import { DEFAULTS, filled, found, labelsOf, layoutText, request, shares, tokensText } from '../src/pages/train/question';

describe('a training run', () => {
  it('is asked with what is stated alone', () => {
    const body = request(DEFAULTS);
    expect(body).toMatchObject({ model: 'deepseek-v3', chips: 2048, auto: true, explain: true });
    for (const name of ['tp', 'zero', 'failures', 'runs', 'timeline']) expect(body).not.toHaveProperty(name);
    expect(request({ ...DEFAULTS, zero: '0', tp: '8' })).toMatchObject({ zero: 0, tp: 8 });
    expect(request({ ...DEFAULTS, failures: true })).toMatchObject({ failures: true, runs: 1000 });
  });
  it('is asked again by the layout that was found', () =>
    expect(found({ tp: 2, pp: 16, chips: 8, sites: null, schedule: 'dualpipe' })).toEqual({ tp: 2, pp: 16, schedule: 'dualpipe' }));
  it('has parts with shares that sum to one, what is nothing left out', () => {
    const parts = shares({ a_s: 1, b_s: 3, c_s: 0, d_s: 1e-9, total_s: 4 }, ['total_s']);
    expect(parts.map((one) => one.key)).toEqual(['b_s', 'a_s']);
    expect(parts.reduce((sum, one) => sum + one.share, 0)).toBeCloseTo(1);
  });
  it('fills a memory with its parts, and what is free comes last', () => {
    expect(filled({ weights_bytes: 10, activations_bytes: 50 }, 30).map((one) => one.key)).toEqual(['activations_bytes', 'weights_bytes', 'free']);
    expect(filled({ weights_bytes: 10 }, -5).map((one) => one.key)).toEqual(['weights_bytes']);
  });
  it('has tokens as its fields take them, and labels for the flags of hints', () => {
    expect([33_554_432, 4096, 14.8e12, 12].map(tokensText)).toEqual(['33.6M', '4096', '14.8T', '12']);
    expect(labelsOf((key) => key)).toMatchObject({ 'global-batch': 'batch', tp: 'tp (TP)' });
  });
  it('has a layout in words', () => {
    expect(layoutText({ tp: 2, pp: 16, dp: 64, ep: 32, cp: 1 })).toBe('TP 2 · PP 16 · DP 64 · EP 32');
    expect(layoutText({ tp: 1 })).toBe('TP 1');
  });
});
