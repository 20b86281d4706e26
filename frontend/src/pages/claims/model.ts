// What the claims page makes of an audit: factors on the true side, what would turn a part, where a term is recomputed.
import type { Query, PageName } from '../../lib/route.svelte';

export type Verdict = 'holds' | 'holds if' | 'fails' | 'cannot tell';
export const VERDICTS: Verdict[] = ['holds', 'holds if', 'fails', 'cannot tell'];
export const DEFAULTS = { claim: '', verdict: '', topic: '', q: '', level: '0.9' };
export type ClaimFields = typeof DEFAULTS;

export interface Test {
  op: '<' | '<=' | '>' | '>=' | 'within';
  number: number | null;
  against: string | null;
  tolerance: number | null;
}
export interface Asks {
  verb?: string;
  catalog?: string;
  with?: Record<string, any>;
  take: string | null;
}
export interface Term {
  name: string;
  value: number | null;
  low?: number | null;
  high?: number | null;
  unit?: string;
  basis?: string;
  how?: string;
  claims?: number[];
  sources?: string[];
  asks: Asks | null;
  refused?: string;
}
export interface Part {
  name: string;
  aside: boolean;
  verdict: 'holds' | 'fails' | 'open' | 'cannot tell';
  probability: number | null;
  margin: number | null;
  margin_low: number | null;
  margin_high: number | null;
  expression: string | null;
  value: { value: number; low: number | null; high: number | null; unit: string } | null;
  against: number | null;
  test: Test | null;
  terms: Term[];
  missing: string[];
  needs: string[];
  condition: string | null;
  note: string | null;
}
export interface Claim {
  id: string;
  statement: string;
  said_by: string;
  date: string;
  source: string;
  locator: string | null;
  topic: string;
  verdict: Verdict;
  margin: number | null;
  probability: number | null;
  condition: string | null;
  why: string[];
  deciding: string | null;
  parts: Part[];
  calculation: string[];
  note: string | null;
  sources: string[];
}

export type Tone = 'good' | 'open' | 'bad' | 'plain';
export const toneOf = (verdict: string): Tone => (verdict === 'holds' ? 'good' : verdict === 'fails' ? 'bad' : verdict === 'cannot tell' ? 'plain' : 'open');
export const SIGNS: Record<Tone, string> = { good: '✓', open: '≈', bad: '✕', plain: '?' };

/** By which factor a value is on the true side of its test, below 1 where it is false; null where that cannot be told. */
export function roomOf(test: Test | null, margin: number | null): number | null {
  if (!test || margin === null || margin <= -1) return null;
  const ratio = 1 + margin;
  if (test.op !== 'within') return test.op.startsWith('>') ? ratio : 1 / ratio;
  const tolerance = test.tolerance ?? 0;
  return ratio >= 1 ? (1 + tolerance) / ratio : ratio / Math.max(1 - tolerance, 1e-12);
}

/** The stated part that is nearest to failing. */
export const decidingOf = (claim: Claim): Part | null => claim.parts.find((one) => one.name === claim.deciding) ?? null;

export interface Bar {
  room: number;
  low: number;
  high: number;
}

/** Factor with its interval on the true side; null without a margin. */
export function barOf(part: Part | null): Bar | null {
  const room = part ? roomOf(part.test, part.margin) : null;
  if (!part || room === null) return null;
  const ends = [room, roomOf(part.test, part.margin_low), roomOf(part.test, part.margin_high)].filter((one): one is number => one !== null);
  return { room, low: Math.min(...ends), high: Math.max(...ends) };
}

/** Claims that a filter leaves: verdict, topic, and all words of a text in id, statement, speaker or parts. */
export function filtered(claims: readonly Claim[], verdict: string, topic: string, text: string): Claim[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return claims.filter((one) => {
    if (verdict && one.verdict !== verdict) return false;
    if (topic && one.topic !== topic) return false;
    const hay = [one.id, one.statement, one.said_by, one.topic, ...one.parts.map((part) => part.name)].join(' ').toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

type Values = Record<string, number>;

/** Value of an expression of names, numbers, + - * / ( ) , min and max; NaN where it cannot be read. */
export function evaluate(text: string, values: Values): number {
  const tokens = text.match(/[A-Za-z_]\w*|\d+\.?\d*(?:e[+-]?\d+)?|[-+*/(),]/gi) ?? [];
  let at = 0;
  const take = () => tokens[at++] ?? '';
  const sum = (): number => {
    let found = product();
    while (tokens[at] === '+' || tokens[at] === '-') found = take() === '+' ? found + product() : found - product();
    return found;
  };
  const product = (): number => {
    let found = unary();
    while (tokens[at] === '*' || tokens[at] === '/') found = take() === '*' ? found * unary() : found / unary();
    return found;
  };
  const unary = (): number => {
    if (tokens[at] === '-') {
      take();
      return -unary();
    }
    const token = take();
    if (token === '(') {
      const found = sum();
      return take() === ')' ? found : NaN;
    }
    if ((token === 'min' || token === 'max') && tokens[at] === '(') {
      take();
      const all = [sum()];
      while (tokens[at] === ',') {
        take();
        all.push(sum());
      }
      return take() === ')' ? Math[token](...all) : NaN;
    }
    if (/^\d/.test(token)) return Number(token);
    return values[token] ?? NaN;
  };
  const found = sum();
  return at === tokens.length ? found : NaN;
}

function isTrue(test: Test, value: number, bar: number): boolean {
  if (test.op === 'within') return Math.abs(value / bar - 1) <= (test.tolerance ?? 0) + 1e-12;
  if (test.op === '<') return value < bar;
  if (test.op === '<=') return value <= bar;
  return test.op === '>' ? value > bar : value >= bar;
}

/**
 * The factor on one term, all others as they are, that is nearest to 1 and turns the test of a part; null where none
 * between 1/1000 and 1000 does, or where the arithmetic mixes units in a way that is not told.
 */
export function turning(part: Part, name: string): number | null {
  const known = TURNS.get(part) ?? new Map<string, number | null>();
  TURNS.set(part, known);
  if (!known.has(name)) known.set(name, soughtTurn(part, name));
  return known.get(name) ?? null;
}
const TURNS = new WeakMap<Part, Map<string, number | null>>();

function soughtTurn(part: Part, name: string): number | null {
  const test = part.test;
  if (!test || !part.value || part.expression === null || part.against === null || part.against === 0) return null;
  const values: Values = Object.fromEntries(part.terms.flatMap((one) => (one.value === null ? [] : [[one.name, one.value]])));
  const expression = part.expression;
  const used = part.terms.filter((one) => new RegExp(`\\b${one.name}\\b`).test(`${expression} ${test.against ?? ''}`));
  if (!used.some((one) => one.name === name) || values[name] === 0) return null;
  if (/[+-]|min|max/.test(`${expression}${test.against ?? ''}`) && new Set(used.map((one) => one.unit)).size > 1) {
    // Sums of terms of several units are made in base units, which are not told here: only plain sums are followed.
    if (!sameScale(part, expression, values)) return null;
  }
  const left = evaluate(expression, values);
  const right = test.against === null ? null : evaluate(test.against, values);
  if (!Number.isFinite(left) || left === 0 || (right !== null && (!Number.isFinite(right) || right === 0))) return null;
  const [scale, scaleRight] = [part.value.value / left, right === null ? 1 : part.against / right];
  const bar = part.against;
  const truth = (factor: number): boolean => {
    const moved = { ...values, [name]: (values[name] as number) * factor };
    return isTrue(test, evaluate(expression, moved) * scale, test.against === null ? bar : evaluate(test.against, moved) * scaleRight);
  };
  const now = truth(1);
  const grid = 600;
  const found = [1, -1].flatMap((way) => {
    for (let step = 1; step <= grid; step += 1) {
      const [near, far] = [10 ** ((way * 3 * (step - 1)) / grid), 10 ** ((way * 3 * step) / grid)];
      if (truth(far) === now) continue;
      let [low, high] = [near, far];
      for (let turn = 0; turn < 50; turn += 1) {
        const middle = Math.sqrt(low * high);
        if (truth(middle) === now) low = middle;
        else high = middle;
      }
      return [high];
    }
    return [];
  });
  return found.sort((a, b) => Math.abs(Math.log(a)) - Math.abs(Math.log(b)))[0] ?? null;
}

/** Whether the told value is what the terms as told give: then no unit was changed on the way. */
function sameScale(part: Part, expression: string, values: Values): boolean {
  const found = evaluate(expression, values);
  return part.value !== null && Math.abs(found / part.value.value - 1) < 1e-6;
}

/** The words of a command line that asks what a term asks, or where none does just that its inputs in words. */
export function commandOf(asks: Asks, terms: readonly Term[]): string {
  if (asks.catalog) return `accord catalog show ${asks.catalog}`;
  const { a, b, item, facts, instruments, ...given } = inputsOf(asks, terms);
  const flags = (of: Record<string, unknown>) => Object.entries(of).map(([name, value]) => `--${name.replaceAll('_', '-')} ${[value].flat().join(',')}`).join(' ');
  if (asks.verb === 'compare') return `accord compare ${a} ${b}`;
  if (asks.verb === 'train') return `accord train ${flags(given)}`;
  if (asks.verb === 'policy') return item ? `accord policy classify ${item} ${flags(given)}` : `accord policy check ${flags({ ...given, ...(facts ?? {}) })}`;
  if (asks.verb === 'adoption') {
    const { instrument, system, date } = given;
    return `accord policy adoption ${flags({ ...(system ? { system } : { instrument: instrument ?? instruments }), ...(date ? { date } : {}) })}`;
  }
  return `${asks.verb}: ${Object.entries(given).map(([name, value]) => `${name} = ${value !== null && typeof value === 'object' ? JSON.stringify(value) : value}`).join(', ')}`;
}

function inputsOf(asks: Asks, terms: readonly Term[]): Record<string, any> {
  return Object.fromEntries(
    Object.entries(asks.with ?? {}).map(([name, value]) => {
      const refers = value && typeof value === 'object' && 'term' in value ? terms.find((one) => one.name === value.term) : undefined;
      return [name, refers ? refers.value : value];
    }),
  );
}

/** The page on which a term's question can be asked again; null where no page asks it. */
export function pageOf(asks: Asks, terms: readonly Term[]): { page: PageName; query: Query } | null {
  if (asks.catalog) {
    const [kind = '', id = ''] = asks.catalog.split('/');
    return { page: 'catalog', query: id ? { kind, id } : { kind } };
  }
  const given = inputsOf(asks, terms);
  const text = (name: string) => (given[name] === undefined || given[name] === null ? {} : { [name]: String(given[name]) });
  if (asks.verb === 'compare') return { page: 'compare', query: { systems: `${given['a']},${given['b']}` } };
  if (asks.verb === 'adoption') {
    const query: Query = { tab: 'adoption', ...text('date'), ...(given['system'] ? { view: 'systems', system: String(given['system']) } : {}) };
    const instruments = [given['instrument'] ?? given['instruments'] ?? []].flat().join(',');
    return { page: 'policy', query: instruments ? { ...query, instrument: instruments } : query };
  }
  if (asks.verb === 'policy' && given['item']) {
    return { page: 'policy', query: { tab: 'status', id: String(given['item']), ...text('date'), ...text('from'), ...text('to'), ...text('hq'), ...text('exporter'), ...text('consignee') } };
  }
  if (asks.verb === 'policy') {
    return { page: 'policy', query: { tab: 'duties', ...text('date'), flop: String(given['training_flop'] ?? ''), jurisdictions: [given['jurisdictions'] ?? []].flat().join(',') } };
  }
  if (asks.verb === 'train') return { page: 'train', query: { ...text('model'), ...text('tokens'), ...text('system'), ...text('chips') } };
  return null;
}
