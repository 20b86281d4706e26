import { describe, expect, it } from 'vitest';
import { fewer, ticks, wrapped, wrappedId } from '../src/pages/claims/chart';
import { barOf, commandOf, evaluate, filtered, pageOf, roomOf, toneOf, turning, type Claim, type Part, type Term } from '../src/pages/claims/model';

const term = (name: string, value: number | null, unit = '1'): Term => ({ name, value, unit, asks: null });
const part = (expression: string, terms: Term[], op: '<' | '>' | 'within', against: number, more: Partial<Part> = {}): Part => {
  const value = evaluate(expression, Object.fromEntries(terms.map((one) => [one.name, one.value ?? NaN])));
  return {
    name: 'p', aside: false, verdict: 'holds', probability: 1, margin: value / against - 1, margin_low: null, margin_high: null, expression, against, terms,
    value: { value, low: null, high: null, unit: '1' }, test: { op, number: against, against: null, tolerance: op === 'within' ? 0.1 : null }, missing: [], needs: [], condition: null, note: null, ...more,
  };
};

describe('arithmetic', () => {
  it.each([
    ['a + b * c', 7], ['(a + b) * c', 9], ['a / b / c', 1 / 6], ['max(a / b, c)', 3], ['min(a, b, c) - 2', -1], ['-a + c', 2], ['1e3 * a', 1000], ['2.5 * b', 5],
  ])('%s', (text, value) => expect(evaluate(text, { a: 1, b: 2, c: 3 })).toBeCloseTo(value, 12));
  it.each(['a +', '(a', 'max(a', 'unknown * 2', 'a b', ''])('"%s" is no number', (text) => expect(evaluate(text, { a: 1, b: 2 })).toBeNaN());
});

describe('the factor on the true side', () => {
  it('turns with the sign of the test', () => {
    const test = (op: '<' | '>' | 'within') => ({ op, number: 1, against: null, tolerance: op === 'within' ? 0.1 : null });
    expect(roomOf(test('>'), 0.6)).toBeCloseTo(1.6);
    expect(roomOf(test('<'), -0.5)).toBeCloseTo(2);
    expect(roomOf(test('within'), 0)).toBeCloseTo(1.1);
    expect(roomOf(test('within'), -0.1)).toBeCloseTo(1);
    expect(roomOf(test('within'), 0.2)).toBeLessThan(1);
    expect(roomOf(test('>'), null)).toBeNull();
    expect(roomOf(test('>'), -1)).toBeNull();
    expect(roomOf(null, 1)).toBeNull();
  });
  it('has ends in order', () => {
    const one = part('a', [term('a', 2)], '<', 4, { margin_low: -0.6, margin_high: -0.4 });
    const bar = barOf(one);
    expect(bar?.room).toBeCloseTo(2);
    expect(bar?.low).toBeCloseTo(1 / 0.6);
    expect(bar?.high).toBeCloseTo(2.5);
    expect(barOf(null)).toBeNull();
  });
});

describe('what would turn a part', () => {
  it('is found for each term, whichever side it is on', () => {
    const one = part('a * b / c', [term('a', 10), term('b', 3), term('c', 2)], '<', 30);
    expect(turning(one, 'a')).toBeCloseTo(2, 5);
    expect(turning(one, 'b')).toBeCloseTo(2, 5);
    expect(turning(one, 'c')).toBeCloseTo(0.5, 5);
    expect(turning(one, 'd')).toBeNull();
  });
  it('is the nearer end of a tolerance', () => {
    expect(turning(part('a', [term('a', 1.05)], 'within', 1), 'a')).toBeCloseTo(1.1 / 1.05, 4);
  });
  it('counts terms of the other side', () => {
    const one = part('a', [term('a', 5), term('bar', 10)], '<', 10, { test: { op: '<', number: null, against: 'bar', tolerance: null } });
    expect(turning(one, 'bar')).toBeCloseTo(0.5, 5);
  });
  it('is not told where units are mixed in a sum, or nothing is known', () => {
    expect(turning(part('a + b', [term('a', 1, 'h'), term('b', 2, 'd')], '<', 100, { value: { value: 49, low: null, high: null, unit: 'h' } }), 'a')).toBeNull();
    expect(turning(part('a', [term('a', 1)], '<', 1e9), 'a')).toBeNull();
  });
});

describe('where a term is asked again', () => {
  const terms = [term('flop', 5e24)];
  it.each([
    [{ catalog: 'chips/x', take: 'peak.bf16' }, 'catalog', { kind: 'chips', id: 'x' }],
    [{ verb: 'compare', with: { a: 'x', b: 'y' }, take: 'power.a' }, 'compare', { systems: 'x,y' }],
    [{ verb: 'policy', with: { training_flop: { term: 'flop' }, date: '2025-08-05', jurisdictions: ['eu'] }, take: 'd' }, 'policy', { tab: 'duties', date: '2025-08-05', flop: '5e+24', jurisdictions: 'eu' }],
    [{ verb: 'adoption', with: { instrument: 'waico', date: '2026-01-01' }, take: 'members' }, 'policy', { tab: 'adoption', date: '2026-01-01', instrument: 'waico' }],
  ])('%j', (asks, page, query) => expect(pageOf(asks, terms)).toEqual({ page, query }));
  it('is a command line where no page asks it', () => {
    expect(pageOf({ verb: 'spend', with: { chips: 8 }, take: 'usd' }, terms)).toBeNull();
    expect(commandOf({ verb: 'spend', with: { chips: 8, system: 's' }, take: 'usd' }, terms)).toBe('spend: chips = 8, system = s');
    expect(commandOf({ verb: 'policy', with: { item: 'nvidia-h20', from: 'US' }, take: 'tpp' }, terms)).toBe('accord policy classify nvidia-h20 --from US');
    expect(commandOf({ verb: 'adoption', with: { instruments: ['a', 'b'], date: '2026-01-01' }, take: 'overlap' }, terms)).toBe('accord policy adoption --instrument a,b --date 2026-01-01');
    expect(commandOf({ verb: 'compare', with: { a: 'x', b: 'y' }, take: 'power.a' }, terms)).toBe('accord compare x y');
    expect(commandOf({ verb: 'train', with: { model: 'm', tokens: { term: 'flop' } }, take: 'flop' }, terms)).toBe('accord train --model m --tokens 5e+24');
  });
});

it('filters by verdict, topic and all words', () => {
  const claims = [
    { id: 'a', statement: 'H20 is fast', said_by: 'X', topic: 'speed', verdict: 'holds', parts: [] },
    { id: 'b', statement: 'H20 is cheap', said_by: 'Y', topic: 'cost', verdict: 'fails', parts: [] },
  ] as unknown as Claim[];
  expect(filtered(claims, '', '', 'h20')).toHaveLength(2);
  expect(filtered(claims, 'fails', '', 'h20')).toHaveLength(1);
  expect(filtered(claims, '', 'speed', 'cheap')).toHaveLength(0);
  expect(toneOf('holds if')).toBe('open');
});

it('writes ticks at round numbers, and tooltips in lines', () => {
  expect(ticks(0.4, 8)).toEqual([0.5, 1, 2, 5]);
  expect(ticks(0.001, 1000).every((one) => Number.isInteger(Math.log10(one)))).toBe(true);
  expect(Math.max(...wrapped('word '.repeat(60), 40).split('\n').map((line) => line.length))).toBeLessThanOrEqual(40);
});

describe('narrow charts', () => {
  it('cut ids behind hyphens, never inside a word', () => {
    expect(wrappedId('cloudmatrix-tokens-per-tflops')).toBe('cloudmatrix-tokens-\nper-tflops');
    expect(wrappedId('capex-84bn')).toBe('capex-84bn');
    expect(wrappedId('a part in words, however long it is')).toBe('a part in words, however long it is');
  });
  it('keep few ticks, 1 among them', () => {
    expect(fewer([0.1, 0.2, 0.5, 1, 2, 5, 10])).toEqual([0.1, 1, 10]);
    expect(fewer([0.5, 1, 2])).toEqual([0.5, 1, 2]);
    expect(fewer([0.2, 0.5, 1, 2, 5, 8])).toEqual([0.2, 1, 5]);
  });
});
