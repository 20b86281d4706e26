import { describe, expect, it } from 'vitest';
import type { Envelope } from '../src/lib/api';
import { rangeOf, ratioOption } from '../src/pages/compare/chart';
import { bandOf, linesOf, pillOf, quantityOf, shown, verdictOf, type Compared, type Dimension } from '../src/pages/compare/model';

function dimension(changes: Partial<Dimension>): Dimension {
  return {
    name: 'bf16_dense', group: 'totals', unit: 'FLOP/s', a: 2.88768e17, b: 1.8e17, ratio: 1.604, low: 1.51, high: 1.707, verdict: 'A has 1.60 times B',
    summary: 'A more, every source', undecided: false, basis: { a: 'derived', b: 'derived' }, bands: { a: [2.7e17, 3.07e17], b: [1.8e17, 1.8e17] }, sources: ['x:1'], ...changes,
  };
}
function answer(result: Partial<Compared>): Envelope<Compared> {
  const whole = { systems: ['one', 'two'], described: ['One', 'Two'], level: 0.9, dimensions: [], notes: [], ...result };
  return { schema: 'accord.compare/1', accord: '0', catalog: 'c', inputs: {}, result: whole, sources: [], warnings: [] };
}

describe('rows of a comparison', () => {
  it('hold each system and the notes about the quantity', () => {
    const [line] = linesOf(answer({ dimensions: [dimension({}), dimension({ group: 'per chip' })], notes: [{ of: 'A dense BF16', text: 'why' }, { of: 'AB price', text: 'no' }] }), 'totals');
    expect(line?.sides.map((side) => side.value)).toEqual([2.88768e17, 1.8e17]);
    expect(line?.notes.map((note) => note.text)).toEqual(['why']);
  });
  it('tell of the divisor too', () => {
    const found = answer({ dimensions: [dimension({ name: 'bf16_per_usd', group: 'per dollar' })], notes: [{ of: 'AB price', text: 'dear' }] });
    expect(linesOf(found, 'per dollar')[0]?.notes).toHaveLength(1);
  });
  it('set the first against every other', () => {
    const pairs = [{ a: 'one', b: 'two', dimensions: [dimension({})] }, { a: 'one', b: 'three', dimensions: [dimension({ b: 5, ratio: 3 })] }];
    const [line] = linesOf(answer({ dimensions: [dimension({})], pairs }), 'totals');
    expect(line?.sides).toHaveLength(3);
    expect(line?.against.map((one) => one.ratio)).toEqual([1.604, 3]);
  });
  it('know a quantity whatever it is divided by', () =>
    expect(['bf16_dense', 'bf16_per_watt', 'hbm_per_watt', 'scaleup_total', 'lowest_precision_per_usd', 'chips'].map(quantityOf)).toEqual(['bf16', 'bf16', 'hbm_capacity', 'scaleup', 'lowest_precision', 'chips']));
});

describe('figures', () => {
  it('keep what they are divided by', () => {
    expect(shown(516579606440, 'FLOP/s/W')).toBe('517 GFLOP/s/W');
    expect(shown(5994146, 'B/USD')).toBe('5.99 MB/USD');
    expect(shown(4e11, 'b/s')).toBe('400 Gbit/s');
    expect(shown(null, 'B')).toBe('–');
  });
  it('have bands where sources differ', () => {
    expect(bandOf([1.8e17, 1.8e17], 'FLOP/s')).toBe('');
    expect(bandOf([4.86e11, 5.5e11], 'FLOP/s/W')).toBe('486 – 550 GFLOP/s/W');
  });
});

describe('verdicts', () => {
  const of = (summary: string) => verdictOf({ summary, ratio: 1 }, 'C');
  it('are read from the few words of the answer', () => {
    expect(of('A more, every source')).toEqual({ kind: 'more', why: 'everySource' });
    expect(of('A less, none disagrees')).toEqual({ kind: 'less', why: 'noneDisagrees' });
    expect(of('open: sources disagree')).toEqual({ kind: 'open', why: 'disagree' });
    expect(of('equal').kind).toBe('equal');
    expect(of('cannot tell').kind).toBe('unknown');
    expect(of('B has no FP8 unit')).toMatchObject({ kind: 'noUnit', who: 'C', format: 'FP8' });
    expect(of('A and B have no FP8 unit')).toMatchObject({ who: 'A, C' });
  });
  it('are green only where every source agrees', () => {
    expect(pillOf(of('A less, every source'))).toBe('good');
    expect(pillOf(of('open: wide estimate'))).toBe('open');
    expect(pillOf(of('A more, within the band'))).toBe('');
  });
});

describe('the picture', () => {
  it('spans powers of two around 1', () => {
    expect(rangeOf([1.6, 5.33])).toEqual([0.5, 8]);
    expect(rangeOf([0.2])).toEqual([0.125, 2]);
    expect(rangeOf([])).toEqual([0.5, 2]);
  });
  it('leaves out what has no ratio', () => {
    const lines = linesOf(answer({ dimensions: [dimension({}), dimension({ name: 'fp8', ratio: null, low: null, high: null })] }), 'totals');
    const option = ratioOption(lines, ['B'], ['#000'], '#111', { axis: 'x', label: (line) => line.key, band: 'band', sides: () => '' }) as any;
    expect(option.yAxis.data).toEqual(['bf16']);
    expect(option.series[0].data).toEqual([[1.604, 1.51, 1.707, 0]]);
  });
});
