import { ends, metricName, unitOf, unitsOf } from '../src/pages/accuracy/metrics';
import { describe, expect, it } from 'vitest';
import { bySource, macroPct, median, rowsOf, type Group } from '../src/pages/accuracy/score';

const group: Group = {
  id: 'inference', ways: ['source'], rows: 3, skipped: 0, sources: [{ id: 'a', title: 'A' }, { id: 'b', title: 'B' }], metrics: ['tpot_s', 'ttft_s'],
  row: ['r1', 'r2', 'r3'], source: [0, 0, 1], metric: [0, 1, 0], measured: [1, 2, 4],
  predicted: { source: { predicted: [2, 2, 4], low: [1.5, 1, 2], high: [3, 3, 8] } },
};

describe('held-out rows', () => {
  it('are filtered by quantity and source', () => {
    expect(rowsOf(group, 'source')).toHaveLength(3);
    expect(rowsOf(group, 'source', 'tpot_s').map((row) => row.id)).toEqual(['r1', 'r3']);
    expect(rowsOf(group, 'source', '', 'b').map((row) => row.id)).toEqual(['r3']);
    expect(rowsOf(group, 'chip')).toEqual([]);
  });
  it('say whether the measured value is inside', () => expect(rowsOf(group, 'source').map((row) => row.inside)).toEqual([false, true, true]));
  it('count each source once in the macro error', () => {
    // source a: median of |ln 2| and 0 is ln 2 / 2; source b: 0; their mean is ln 2 / 4
    expect(macroPct(rowsOf(group, 'source'))).toBeCloseTo(100 * (2 ** 0.25 - 1));
  });
  it('come to a score a source', () => {
    const [first, second] = bySource(rowsOf(group, 'source'), group.sources);
    expect(first).toMatchObject({ source: 'a', rows: 2, coverage: 0.5, width: 2.5 });
    expect(second?.medianPct).toBe(0);
  });
  it('have a median', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('metrics', () => {
  it.each([['decode_token_per_s_per_chip', 'tok/s'], ['gemm_flop_per_s', 'FLOP/s'], ['busbw_byte_per_s', 'B/s'], ['tpot_s', 's'], ['mttf_h', 'h'], ['chip_hours', 'h'], ['rate_per_chip_day', '1/d'], ['mfu', '1'], ['count', '1'], ['tokens_per_s_total', 'tok/s']])(
    '%s is in %s', (metric, unit) => expect(unitOf(metric)).toBe(unit),
  );
  it('have names, units in order, and ends that leave room', () => {
    expect(metricName('tpot_s', 'zh')).toBe('每输出词元时间');
    expect(metricName('new_metric', 'en')).toBe('new metric');
    expect(unitsOf(['mfu', 'tpot_s', 'step_s', 'tokens_per_s_total'])).toEqual(['tok/s', 's', '1']);
    const [low, high] = ends([0.1, 10, NaN, -1]);
    expect(low).toBeLessThan(0.1);
    expect(high).toBeGreaterThan(10);
  });
});
