// The answer of `compare` as rows of a page: values of each system, ratios of the first to every other.
import type { Envelope } from '../../lib/api';
import { interval, quantity } from '../../lib/format';

export const GROUPS = ['totals', 'per chip', 'per rack', 'per watt', 'per dollar'] as const;
export type Group = (typeof GROUPS)[number];
export const LETTERS = 'ABCD';
export const MARKS: Record<string, string> = { measured: 'm', published: 'p', derived: 'd', estimate: 'e', assumed: 'a' };

export interface Dimension {
  name: string;
  group: Group;
  unit: string;
  a: number | null;
  b: number | null;
  ratio: number | null;
  low: number | null;
  high: number | null;
  verdict: string;
  summary: string;
  undecided: boolean;
  basis: { a: string | null; b: string | null };
  bands: { a: [number, number] | null; b: [number, number] | null };
  sources: string[];
  formats?: { a: string | null; b: string | null };
}

export interface Compared {
  systems: string[];
  described: string[];
  level: number;
  dimensions: Dimension[];
  pairs?: { a: string; b: string; dimensions: Dimension[] }[];
  notes: { of: string; text: string }[];
}

export interface Side {
  value: number | null;
  band: [number, number] | null;
  basis: string | null;
}

export interface Line {
  name: string;
  key: string;
  unit: string;
  sides: Side[];
  /** The first system against each other one. */
  against: Dimension[];
  sources: string[];
  notes: { of: string; text: string }[];
}

/** The quantity that a dimension counts, whatever it is divided by. */
export function quantityOf(name: string): string {
  const key = name.replace(/_per_(chip|rack|watt|usd)$|_total$|_dense$/, '');
  return key === 'hbm' ? 'hbm_capacity' : key;
}

// How notes call quantities.
const CALLED: Record<string, string> = {
  bf16: 'dense BF16', int8: 'INT8', fp8: 'FP8', lowest_precision: 'lowest precision', hbm_capacity: 'HBM capacity',
  hbm_bandwidth: 'HBM bandwidth', scaleup: 'scale-up', scaleout: 'scale-out', power: 'power', price: 'price', chips: 'chips', racks: 'racks',
};

/** Rows of one group, in the order of the answer. */
export function linesOf(answer: Envelope<Compared>, group: Group): Line[] {
  const { dimensions, pairs, notes } = answer.result;
  const each = pairs ? pairs.map((pair) => pair.dimensions) : [dimensions];
  return dimensions.flatMap((first, at) => {
    if (first.group !== group) return [];
    const against = each.map((list) => list[at] as Dimension);
    const key = quantityOf(first.name);
    const own: Side = { value: first.a, band: first.bands.a, basis: first.basis.a };
    const others = against.map((one): Side => ({ value: one.b, band: one.bands.b, basis: one.basis.b }));
    const per = { 'per watt': 'power', 'per dollar': 'price' }[group as string];
    const about = [CALLED[key], ...(per ? [CALLED[per]] : [])];
    return [{
      name: first.name, key, unit: first.unit, sides: [own, ...others], against,
      sources: [...new Set(against.flatMap((one) => one.sources))],
      notes: notes.filter((note) => about.includes(note.of.replace(/^[A-D]+ /, ''))),
    }];
  });
}

/** A value in its unit, with "/W" and "/USD" kept behind the prefix: "517 GFLOP/s/W". */
export function shown(value: number | null, unit: string): string {
  if (value === null) return '–';
  const [base, below] = parts(unit);
  return quantity(value, base) + below;
}

/** A band in its unit, "" where it is one number. */
export function bandOf(band: [number, number] | null, unit: string): string {
  if (!band || band[0] === band[1]) return '';
  const [base, below] = parts(unit);
  return interval(band[0], band[1], base) + below;
}

function parts(unit: string): [string, string] {
  const below = unit.endsWith('/W') ? '/W' : unit.endsWith('/USD') ? '/USD' : '';
  return [(below ? unit.slice(0, -below.length) : unit).replace(/^b\/s$/, 'bit/s'), below];
}

export type Verdict = { kind: 'more' | 'less' | 'equal' | 'open' | 'unknown' | 'noUnit'; why: string; who?: string; format?: string };

const WHY: Record<string, string> = {
  'every source': 'everySource', 'none disagrees': 'noneDisagrees', 'within the band': 'withinBand',
  'wide estimate': 'wideEstimate', 'sources disagree': 'disagree',
};

/** A verdict as the page shows it, from the few words that the answer has for it. */
export function verdictOf(one: Pick<Dimension, 'summary' | 'ratio'>, other: string): Verdict {
  const unit = /^(A and B|A|B) ha(?:s|ve) no (\S+) unit$/.exec(one.summary);
  if (unit) return { kind: 'noUnit', why: '', who: (unit[1] as string).replace('B', other).replace(' and ', ', '), format: unit[2] as string };
  const [head = '', tail = ''] = one.summary.split(/[,:] /);
  const why = WHY[tail] ?? '';
  if (head === 'A more') return { kind: 'more', why };
  if (head === 'A less') return { kind: 'less', why };
  if (head === 'equal') return { kind: 'equal', why };
  if (head === 'open') return { kind: 'open', why };
  return { kind: 'unknown', why: '' };
}

/** How sure a verdict is: settled by every source, open, or neither. */
export function pillOf(verdict: Verdict): '' | 'good' | 'open' {
  if (verdict.kind === 'open') return 'open';
  return verdict.why === 'everySource' || verdict.why === 'noneDisagrees' ? 'good' : '';
}
