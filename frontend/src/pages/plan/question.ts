// The plan page's form, and the questions that it asks of the board and of the verb `plan`.
import type { Body, Metric } from '../../lib/api';

export const DEFAULTS = {
  model: 'deepseek-v3',
  systems: ['huawei-cloudmatrix-384', 'nvidia-gb200-nvl72'],
  workload: '',
  isl: '4096',
  osl: '1024',
  rate: '',
  ttft: '',
  ttft_at: 'mean',
  tpot: '50',
  tpot_at: 'mean',
  e2el: '',
  e2el_at: 'mean',
  goodput: '',
  budget: '',
  hourly: '',
  power: '',
  chips: '',
  racks: '',
  confidence: '0.9',
  from: '',
  to: '',
  date: '',
  law: 'strict',
  hq: '',
  exporter: '',
  consignee: '',
  mode: '',
  engine: '',
  weights: '',
  kv: '',
  reuse: '',
  mtp_accept: '',
  mixed: false,
  objective: 'goodput',
  per: 'chip',
  axes: 'log',
  pick: '',
  job: '',
};
export type Fields = typeof DEFAULTS;

const numberOf = (text: string): number | undefined => (text.trim() === '' || !Number.isFinite(Number(text)) ? undefined : Number(text));
const above0 = (text: string): number | undefined => {
  const found = numberOf(text);
  return found !== undefined && found > 0 ? found : undefined;
};
/** Whether a text that should be a number above 0 is none. */
export const nonsense = (text: string): boolean => text.trim() !== '' && above0(text) === undefined;
/** Whether there is a question: a model, systems, and lengths that are numbers. */
export const askable = (fields: Fields): boolean =>
  fields.systems.length > 0 && fields.model !== '' && (fields.workload ? !nonsense(fields.rate) : above0(fields.isl) !== undefined && above0(fields.osl) !== undefined);
const listOf = (text: string): string[] => text.split(/[,\s]+/).filter(Boolean);
const numbersOf = (text: string): number[] => listOf(text).map(Number).filter(Number.isFinite);

/** A latency limit as a request has it: "p90:50ms". */
export function limitOf(milliseconds: string, at: string): string | undefined {
  const found = above0(milliseconds);
  return found === undefined ? undefined : `${at === 'mean' ? '' : `${at}:`}${found}ms`;
}

/** Whether the law is asked for, and what it lacks: it needs the seller, the place of delivery and the day. */
export function lawOf(fields: Fields): { asked: boolean; lacks: ('from' | 'to' | 'date')[] } {
  const told = (['from', 'to', 'date', 'hq', 'exporter', 'consignee'] as const).some((name) => fields[name] !== '');
  return { asked: told && fields.law !== 'off', lacks: (['from', 'to', 'date'] as const).filter((name) => fields[name] === '') };
}

/** What is asked, whatever the limits: a change of it needs candidates to be priced anew. */
export function questionOf(fields: Fields): Body {
  const lengths = fields.workload ? { workload: fields.workload, rate: above0(fields.rate) } : { isl: numberOf(fields.isl), osl: numberOf(fields.osl) };
  const { from, to, date, hq, exporter, consignee } = fields;
  const { asked, lacks } = lawOf(fields);
  // Place and day count without the law too: money has a place, engines have a day.
  const law = asked && !lacks.length ? { from, to, date, law: fields.law, hq, exporter, consignee } : from || to || date ? { from, to, date, law: 'off' } : {};
  return {
    model: fields.model, system: fields.systems, ...lengths, ...law,
    mode: listOf(fields.mode), engine: listOf(fields.engine), weights: listOf(fields.weights), kv: listOf(fields.kv),
    reuse: numbersOf(fields.reuse), mtp_accept: numberOf(fields.mtp_accept), mixed: fields.mixed,
  };
}

/** The limits, which the sliders change. */
export function limitsOf(fields: Fields): Body {
  const chips = above0(fields.chips);
  return {
    ttft: limitOf(fields.ttft, fields.ttft_at), tpot: limitOf(fields.tpot, fields.tpot_at), e2el: limitOf(fields.e2el, fields.e2el_at),
    goodput: above0(fields.goodput), budget_usd: above0(fields.budget), usd_per_hour: above0(fields.hourly),
    power_kw: above0(fields.power), chips: chips === undefined ? undefined : Math.max(1, Math.round(chips)), racks: above0(fields.racks),
    confidence: above0(fields.confidence),
  };
}

export const boardOf = (fields: Fields): Body => ({ ...questionOf(fields), ...limitsOf(fields), objective: fields.objective, per: fields.per });
export const planOf = (fields: Fields): Body => ({ ...questionOf(fields), ...limitsOf(fields), objective: fields.objective });

export interface Point {
  x: number;
  x_low: number | null;
  x_high: number | null;
  y: number;
  y_low: number | null;
  y_high: number | null;
  system: string;
  layout: string;
  chips: number;
  plan: Body;
}

export interface Pool {
  role: string;
  system: string;
  engine: string;
  engine_version: string | null;
  weights: string;
  kv: string;
  tp: number;
  pp: number;
  dp: number;
  cp: number;
  ep: number;
  devices: number;
  instances: number;
  batch_per_device: number;
  max_num_batched_tokens: number;
  max_num_seqs: number;
  redundant_experts: number;
  mtp_tokens: number;
  mtp_accept: number;
  reuse: number;
  memory_bytes: number;
  capacity_bytes: number;
  request_per_s: number;
}

export interface Plan {
  id: string;
  model: string;
  mode: string;
  pools: Pool[];
  holdings: { system: string; chip: string; chips: number; used: number; systems: number; racks: number | null; power_w: number | null; capex_usd: number | null; usd_per_hour: number | null }[];
  metrics: Record<string, Metric>;
  checks: { name: string; sense: string; limit: number; value: number; unit: string; chance: number | null; slack: number | null }[];
  chance: number | null;
  unknown: string[];
  law: string;
}

export interface Board {
  candidates: number;
  feasible: number;
  rejected: Record<string, number>;
  front: Point[];
  points: { x: number[]; y: number[]; feasible: (boolean | number)[]; system: number[] };
  systems: string[];
  best: Plan | null;
  chosen?: Plan | null;
  [more: string]: unknown;
}

/** What sets deployments of one layout apart: "vllm, weights fp8, cache bf16, 1 draft"; requests a device stand apart. */
export interface Setup {
  engine: string;
  formats: string;
  drafts: number;
  batch: string;
}
export function setupOf(plan: Body): Setup {
  const list = (name: string) => ((plan[name] ?? []) as (string | number)[]).map(String);
  return { engine: list('engine').join(' + '), formats: [list('weights').join(' + '), list('kv').join(' + ')].join(' / '), drafts: Math.max(0, ...list('mtp_tokens').map(Number)), batch: list('batch').join(' + ') };
}

/** Systems of a board that are not on its front, and of these those with no candidate in the picture. */
export function offFront(board: Board): { beaten: string[]; undrawn: string[] } {
  const off = board.systems.filter((id) => !board.front.some((one) => one.system === id));
  const drawn = new Set(board.points.system.map((at) => board.systems[at]));
  return { beaten: off.filter((id) => drawn.has(id)), undrawn: off.filter((id) => !drawn.has(id)) };
}

/** How a point is named in the address. */
export const pickOf = (point: Point): string => `${point.system}|${point.layout}|${point.x.toPrecision(4)}`;

/** The point of a front that an address names: just it, else its layout at the nearest speed, else none. */
export function picked(front: readonly Point[], pick: string): number {
  if (!pick) return -1;
  const exact = front.findIndex((one) => pickOf(one) === pick);
  if (exact >= 0) return exact;
  const cut = pick.lastIndexOf('|') + 1;
  const [head, x] = [pick.slice(0, cut), Number(pick.slice(cut))];
  let found = -1;
  front.forEach((one, index) => {
    if (`${one.system}|${one.layout}|` !== head) return;
    if (found < 0 || Math.abs(one.x - x) < Math.abs((front[found] as Point).x - x)) found = index;
  });
  return found;
}

/** Parts of a layout that say something: "tp 2 · dp 72 · ep 144". */
export function layoutOf(pool: Pick<Pool, 'tp' | 'pp' | 'dp' | 'cp' | 'ep'>): string {
  const parts = (['tp', 'pp', 'dp', 'cp', 'ep'] as const).filter((one) => pool[one] > 1).map((one) => `${one.toUpperCase()} ${pool[one]}`);
  return parts.join(' · ') || 'TP 1';
}

const MS = new Set(['ttft', 'tpot', 'e2el']);

const NAMED = { power: 'power', capex: 'budget', usd: 'hourly', goodput: 'goodput', chips: 'chips', racks: 'racks', confidence: 'confidence', ttft: 'ttft', tpot: 'tpot', e2el: 'e2el' } as const;

/** A limit's name in an answer as the key of its label and its statistic: "ttft_p90" is ttft, p90; null for another. */
export function limitNamed(limit: string): { key: (typeof NAMED)[keyof typeof NAMED]; at: string } | null {
  const [name = '', at = ''] = limit.split('_');
  return name in NAMED ? { key: NAMED[name as keyof typeof NAMED], at } : null;
}

/** Fields of the nearest question that has a plan: a limit as it would have to be, a little wider. */
export function relaxedFields(limit: string, needed: number): Partial<Fields> {
  const [name = '', at] = limit.split('_');
  const wider = (value: number) => {
    const step = 10 ** (Math.floor(Math.log10(value)) - 2);
    return String(Number((Math.ceil((value * 1.001) / step) * step).toPrecision(6)));
  };
  if (MS.has(name)) return { [name]: wider(needed * 1000), [`${name}_at`]: at ?? 'mean' };
  if (name === 'confidence') return { confidence: String(Math.max(0.5, Math.floor(needed * 1000) / 1000)) };
  if (name === 'power') return { power: wider(needed / 1000) };
  if (name === 'capex') return { budget: wider(needed) };
  if (name === 'usd') return { hourly: wider(needed) };
  if (name === 'goodput') return { goodput: String(Number((needed * 0.995).toPrecision(3))) };
  if (name === 'chips' || name === 'racks') return { [name]: String(Math.ceil(needed)) };
  return {};
}
