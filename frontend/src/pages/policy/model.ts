// What the policy page makes of answers: days, zones, tones, stretches, thresholds. Pure, so that it can be tested.

export type Tone = 'good' | 'open' | 'bad' | 'plain';

/** The page's fields; all tabs share them, so that a day and a chip stay when the reader changes tabs. */
export const DEFAULTS = {
  tab: 'zones', date: '',
  plane: 'dc', designer: '', class: '',
  id: 'nvidia-h20', from: 'US', to: 'CN', hq: '', exporter: '', consignee: '', transaction: '', set: [] as string[], all: false,
  who: [] as string[], instrument: [] as string[], view: 'matrix', kind: 'state', bloc: '', cell: '', system: '',
  flop: '3.3e24', jurisdictions: [] as string[], role: '', market: '', public: '', opinion: '', weights: '', licence: '',
  modality: [] as string[], input: [] as string[], domain: [] as string[], revenue: '', cost: '', mflop: '', oflop: '', known: '', systemic: '', risk: '', cluster: '',
};
export type PolicyFields = typeof DEFAULTS;

export const TABS = ['zones', 'status', 'adoption', 'duties'] as const;
export type Tab = (typeof TABS)[number];

/** The tab that an address names; other pages may call duties by the tab's title, obligations. */
export function tabOf(name: string): Tab {
  return name === 'obligations' ? 'duties' : (TABS.find((one) => one === name) ?? 'zones');
}

export interface Stretch {
  from: string | null;
  until: string | null;
  after_last_check: boolean;
  y: 'performance_density' | 'io_bandwidth';
  y_unit: string;
  xs: number[];
  ys: number[];
  zone: string[][];
  classes: string[];
  rules: string[];
  pending: string[];
}
export interface Figure {
  value: number;
  low: number;
  high: number;
}
export interface Chip {
  id: string;
  name: string;
  vendor: string;
  announced: string;
  is_announced: boolean;
  datacenter_marketed: string | null;
  designer_hq: string | null;
  tpp: Figure | null;
  performance_density: Figure | null;
  io_bandwidth: Figure | null;
}

export const FIRST = '2022-09-01';
export const LAST = '2026-12-31';

/** Steps of the day slider: the first of each month, and every day on which class rules change. */
export function stepsOf(stretches: readonly Stretch[], first = FIRST, last = LAST): string[] {
  const months: string[] = [];
  for (let year = Number(first.slice(0, 4)), month = Number(first.slice(5, 7)); ; month += 1) {
    if (month > 12) [year, month] = [year + 1, 1];
    const day = `${year}-${String(month).padStart(2, '0')}-01`;
    if (day > last) break;
    months.push(day);
  }
  const changes = stretches.map((one) => one.from).filter((day): day is string => day !== null && day >= first && day <= last);
  return [...new Set([...months, ...changes, last])].sort();
}

/** The place in ascending days of the last one that is not after a day; 0 where all are. */
export function placeOf(days: readonly string[], day: string): number {
  let at = 0;
  days.forEach((one, place) => { if (one <= day) at = place; });
  return at;
}

/** The stretch that holds a day. */
export function stretchAt(stretches: readonly Stretch[], day: string): number {
  return stretches.findIndex((one) => (one.from === null || one.from <= day) && (one.until === null || day < one.until));
}

/** Whether a chip was there by a day; a year or a month alone counts from its beginning. */
export const isThere = (chip: Chip, day: string): boolean => chip.announced <= day;

export interface Zone {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
  name: string;
}

/** Zones as rectangles, as few as cells of one class beside and above one another make. */
export function zonesOf(stretch: Stretch, x: [number, number], y: [number, number]): Zone[] {
  const xs = [x[0], ...stretch.xs.filter((one) => one > x[0] && one < x[1]), x[1]];
  const ys = [y[0], ...stretch.ys.filter((one) => one > y[0] && one < y[1]), y[1]];
  const nameAt = (at: number, row: number) => {
    const middle = (low: number, high: number) => Math.sqrt(low * high);
    const [px, py] = [middle(xs[at] as number, xs[at + 1] as number), middle(ys[row] as number, ys[row + 1] as number)];
    const column = stretch.xs.filter((edge) => edge <= px).length;
    const line = stretch.ys.filter((edge) => edge <= py).length;
    return stretch.zone[line]?.[column] ?? 'none';
  };
  let open: Zone[] = [];
  const done: Zone[] = [];
  for (let row = 0; row + 1 < ys.length; row += 1) {
    const runs: Zone[] = [];
    for (let at = 0; at + 1 < xs.length; at += 1) {
      const name = nameAt(at, row);
      const before = runs[runs.length - 1];
      if (before && before.name === name) before.x1 = xs[at + 1] as number;
      else runs.push({ x0: xs[at] as number, x1: xs[at + 1] as number, y0: ys[row] as number, y1: ys[row + 1] as number, name });
    }
    const next: Zone[] = [];
    for (const run of runs) {
      const below = open.find((one) => one.name === run.name && one.x0 === run.x0 && one.x1 === run.x1);
      if (below) {
        below.y1 = run.y1;
        next.push(below);
      } else next.push(run);
    }
    done.push(...open.filter((one) => !next.includes(one)));
    open = next;
  }
  return [...done, ...open];
}

/** How a class weighs. */
export function toneOfClass(name: string): Tone {
  if (name === 'not_3A090_yet') return 'plain';
  if (name === 'none' || name.endsWith(':none')) return 'good';
  if (name === 'unknown' || name.includes('|')) return 'plain';
  return name.endsWith('.b') || name.endsWith('.c') ? 'open' : 'bad';
}

const OPEN_WORDS = /^(depends:|check|insufficient_data|licence:case_by_case|licence:presumption_of_approval|licence:granted|permitted|exception:|restricted|voluntary|applies_from|proposed|suspended)/;

/** How an outcome weighs: the gravest of its words. */
export function toneOf(outcome: string): Tone {
  const tones = outcome.split('|').map((word): Tone => {
    if (['no_licence', 'does_not_apply', 'no_duty', 'permitted'].includes(word) || word.startsWith('lifted:')) return 'good';
    if (word === 'no_rule' || word === 'vetoed') return 'plain';
    return OPEN_WORDS.test(word) ? 'open' : 'bad';
  });
  return (['bad', 'open', 'good', 'plain'] as const).find((tone) => tones.includes(tone)) ?? 'plain';
}

/** A sign beside the colour, so that colour is never the only carrier. */
export const SIGNS: Record<Tone, string> = { good: '✓', open: '?', bad: '✕', plain: '–' };

export interface Period {
  from: string | null;
  until: string | null;
  eccn: string;
  outcome: string;
  importer: string;
  deciding: string[];
  rules: string[];
  after_last_check: boolean;
}
export interface Bar {
  from: string;
  until: string;
  text: string;
}

/** One row of a timeline: neighbours that say the same are one bar; cut to the days that are drawn. */
export function barsOf(periods: readonly Period[], key: 'eccn' | 'outcome' | 'importer', first: string, last: string): Bar[] {
  const bars: Bar[] = [];
  for (const one of periods) {
    const from = one.from === null || one.from < first ? first : one.from;
    const until = one.until === null || one.until > last ? last : one.until;
    if (from >= until) continue;
    const before = bars[bars.length - 1];
    if (before && before.text === one[key]) before.until = until;
    else bars.push({ from, until, text: one[key] });
  }
  return bars;
}

export interface Branch {
  field: string;
  values: string;
  low: number | null;
  high: number | null;
  words: string[];
  eccn: string;
  outcome: string;
  importer: string;
}

/** Which field of the form answers a question; null for a fact, which is set by name. */
export function fieldOf(name: string): 'exporter' | 'hq' | 'to' | 'from' | null {
  if (name === 'destination') return 'to';
  return name === 'exporter' || name === 'hq' || name === 'from' ? name : null;
}

/** The list of FACT=VALUE with one of them replaced. */
export function withFact(list: readonly string[], name: string, value: string): string[] {
  const rest = list.filter((one) => !one.startsWith(`${name}=`));
  return value === '' ? rest : [...rest, `${name}=${value}`];
}

export interface Clause {
  fact: string;
  op: string;
  threshold: number | string;
  unit: string;
  value: unknown;
  low?: number | null;
  high?: number | null;
  result: 'true' | 'false' | 'unknown';
  margin?: number | null;
  log10_distance?: number | null;
  probability: number | null;
}
export interface Answer {
  instrument: string;
  rule: string;
  title: string;
  jurisdiction: string;
  outcome: string;
  verdict: string;
  binding: string;
  standing: string;
  text: string;
  because: Clause[];
  duties: { text: string; due: string | null; from: string | null; locator: string | null }[];
  missing: { fact: string; decides: { value: string; verdict: string }[] }[];
  lifted_by: string[];
  transition: string | null;
  cites: { source: string; tier: string; locator: string | null; title?: string; publisher?: string; url?: string | null }[];
  [more: string]: any;
}
export interface Threshold {
  label: string;
  /** Title of the law that the rule belongs to. */
  title: string;
  instrument: string;
  standing: string;
  /** Whether it is law: not vetoed, and more than a proposal. */
  lawful: boolean;
  fact: string;
  op: string;
  threshold: number;
  result: string;
  log10: number | null;
  probability: number | null;
}

/** Standings of a text that is not law: a threshold in it binds nobody. */
export const UNLAWFUL = ['vetoed', 'proposed'];

/** Compute thresholds that the answers compare a run with, each rule and number once, the least first. */
export function thresholdsOf(answers: readonly Answer[], fact = 'training_flop'): Threshold[] {
  const found = new Map<string, Threshold>();
  for (const one of answers) {
    for (const clause of one.because) {
      if (clause.fact !== fact || typeof clause.threshold !== 'number') continue;
      const key = `${one.instrument}/${one.rule} ${clause.threshold}`;
      if (found.has(key)) continue;
      found.set(key, {
        label: `${one.instrument}/${one.rule}`, title: one.title, instrument: one.instrument, standing: one.standing, lawful: !UNLAWFUL.includes(one.standing), fact, op: clause.op, threshold: clause.threshold, result: clause.result,
        log10: clause.log10_distance ?? null, probability: clause.probability,
      });
    }
  }
  return [...found.values()].sort((a, b) => a.threshold - b.threshold || (a.label < b.label ? -1 : 1));
}

/** Ends of a number written X or X..Y; null where it is neither. */
export function endsOf(text: string): [number, number] | null {
  const parts = text.split('..').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [low, high = low] = parts;
  return parts.length <= 2 && low !== undefined && high !== undefined && low > 0 && high >= low && Number.isFinite(high) ? [low, high] : null;
}

/** A yes/no field as the API takes it: null for open; a boxed false, since plain ones are left out of questions. */
export function yesNo(text: string): unknown {
  return text === 'yes' ? true : text === 'no' ? new Boolean(false) : null;
}

export interface Member {
  who: string;
  kind: string;
  instrument: string;
  answer: 'joined' | 'not joined' | 'not recorded';
  role: string;
  start: string | null;
  until: string | null;
  sure: 'seen' | 'recalled' | 'counted';
  source: string;
  locator: string | null;
  note: string | null;
  why: string | null;
}

export type Mark = 'joined' | 'recalled' | 'beside' | 'not_joined';

/** The sign of a cell of the matrix; who only observed or took part has not joined. */
export function markOf(member: Member): Mark {
  if (member.answer === 'joined') return member.sure === 'seen' ? 'joined' : 'recalled';
  return member.answer === 'not joined' ? 'not_joined' : 'beside';
}

/** Who stands in the matrix: those that are asked for, else those with most entries, in order of how many they have. */
export function columnsOf(members: readonly Member[], asked: readonly string[], kinds: readonly string[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const one of members) if (kinds.includes(one.kind)) counts.set(one.who, (counts.get(one.who) ?? 0) + 1);
  if (asked.length) return [...asked];
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, most).map(([who]) => who);
}

/** Today in UTC, as a day. */
export const today = (): string => new Date().toISOString().slice(0, 10);
