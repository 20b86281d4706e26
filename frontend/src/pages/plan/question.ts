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
const listOf = (text: string): string[] => text.split(/[,\s]+/).filter(Boolean);
const numbersOf = (text: string): number[] => listOf(text).map(Number).filter(Number.isFinite);

/** A latency limit as a request has it: "p90:50ms". */
export function limitOf(milliseconds: string, at: string): string | undefined {
  const found = numberOf(milliseconds);
  return found === undefined || found <= 0 ? undefined : `${at === 'mean' ? '' : `${at}:`}${found}ms`;
}

/** What is asked, whatever the limits: a change of it needs candidates to be priced anew. */
export function questionOf(fields: Fields): Body {
  const lengths = fields.workload ? { workload: fields.workload, rate: numberOf(fields.rate) } : { isl: numberOf(fields.isl), osl: numberOf(fields.osl) };
  const law = fields.from || fields.to || fields.date
    ? { from: fields.from, to: fields.to, date: fields.date, law: fields.law, hq: fields.hq, exporter: fields.exporter, consignee: fields.consignee }
    : {};
  return {
    model: fields.model, system: fields.systems, ...lengths, ...law,
    mode: listOf(fields.mode), engine: listOf(fields.engine), weights: listOf(fields.weights), kv: listOf(fields.kv),
    reuse: numbersOf(fields.reuse), mtp_accept: numberOf(fields.mtp_accept), mixed: fields.mixed,
  };
}

/** The limits, which the sliders change. */
export function limitsOf(fields: Fields): Body {
  const chips = numberOf(fields.chips);
  return {
    ttft: limitOf(fields.ttft, fields.ttft_at), tpot: limitOf(fields.tpot, fields.tpot_at), e2el: limitOf(fields.e2el, fields.e2el_at),
    goodput: numberOf(fields.goodput), budget_usd: numberOf(fields.budget), usd_per_hour: numberOf(fields.hourly),
    power_kw: numberOf(fields.power), chips: chips === undefined ? undefined : Math.max(1, Math.round(chips)), racks: numberOf(fields.racks),
    confidence: numberOf(fields.confidence),
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
