// The form of a simulated run, as the verb `simulate` takes it, and back from a job's request.
import type { Body, Upload } from '../../lib/api';
import type { Labels } from '../../lib/hints';

export const DEFAULTS = {
  model: 'llama-3.1-70b', system: 'nvidia-hgx-h100-8', mode: 'aggregated', chips: '', tp: '8', pp: '', dp: '', cp: '', ep: '', prefill: '', decode: '',
  engine: '', engine_version: '', weights: '', kv: '', mtp_tokens: '', mtp_accept: '', max_num_seqs: '', max_num_batched_tokens: '', prefix_caching: '', pooled_cache: '',
  load: 'lengths', workload: '', isl: '2000', osl: '200', arrivals: '', format: '', skip_bad: false, trace_name: '',
  rate: '2', concurrency: '', requests: '300', duration: '', warm_up: '', timeout: '', seed: '0', replications: '', bounds: '', scheduler: '', router: '', autoscale: '',
  ttft: '500ms', tpot: '50ms', e2e: '', attain: '', find_rate: false, fail: '', mtbf: '', repair: '', no_spare: false, price: '', label: '',
  job: '', other: '', metric: 'ttft', scale: '', time: '', steps: '',
};
export type Fields = typeof DEFAULTS;
export type Metric4 = 'ttft' | 'tpot' | 'e2e' | 'queue';

export const FORMATS = ['bailian', 'mooncake', 'vllm-requests', 'aiperf', 'azure', 'burstgpt', 'lengths', 'vllm-bench', 'sharegpt'] as const;
export const SCHEDULERS = ['fcfs', 'shortest-first', 'prefill-first', 'decode-first'] as const;
export const ROUTERS = ['round-robin', 'least-loaded', 'power-of-two', 'prefix-affinity', 'peer-to-peer'] as const;
export const POOL = ['instances', 'devices', 'tp', 'pp', 'dp', 'ep'] as const;

const RANKS = ['tp', 'pp', 'dp', 'cp', 'ep'] as const;
const NUMBERS = ['mtp_tokens', 'mtp_accept', 'max_num_seqs', 'max_num_batched_tokens'] as const;
const LENGTHS = ['timeout', 'warm_up', 'duration', 'repair', 'mtbf', 'ttft', 'tpot', 'e2e'] as const;

/** A number where the text is one, nothing where it is empty, else the text itself, which the server then refuses in words. */
export function numberOr(text: string): number | string | undefined {
  const plain = text.trim();
  if (plain === '') return undefined;
  return Number.isFinite(Number(plain)) ? Number(plain) : plain;
}

const several = (text: string): string[] | undefined => {
  const parts = text.split(';').map((one) => one.trim()).filter(Boolean);
  return parts.length ? parts : undefined;
};

function deployment(fields: Fields): Body {
  const common: Body = { model: fields.model, system: fields.system, engine: fields.engine, engine_version: fields.engine_version, weights: fields.weights, kv: fields.kv };
  for (const name of NUMBERS) common[name] = numberOr(fields[name]);
  if (fields.prefix_caching) common['prefix_caching'] = fields.prefix_caching === 'on';
  if (fields.pooled_cache) common['pooled_cache'] = fields.pooled_cache;
  if (fields.mode === 'disaggregated') return { ...common, prefill: fields.prefill, decode: fields.decode };
  for (const name of RANKS) common[name] = numberOr(fields[name]);
  return { ...common, chips: numberOr(fields.chips) };
}

function load(fields: Fields, trace: Upload | null): Body {
  const rate = fields.find_rate ? undefined : numberOr(fields.rate);
  const common: Body = { concurrency: numberOr(fields.concurrency), requests: numberOr(fields.requests) };
  if (fields.load === 'trace') return { ...common, rate, trace: trace ?? undefined, format: fields.format, skip_bad: fields.skip_bad };
  if (fields.load === 'profile') return { ...common, rate, workload: fields.workload, arrivals: fields.arrivals };
  return { ...common, rate, isl: fields.isl, osl: fields.osl, arrivals: fields.arrivals };
}

/** The request, with nothing in it that says nothing. `trace`: content of the file that was chosen. */
export function request(fields: Fields, trace: Upload | null = null): Body {
  const body: Body = {
    ...deployment(fields), ...load(fields, trace), scheduler: fields.scheduler, router: fields.router, autoscale: fields.autoscale,
    attain: numberOr(fields.attain), find_rate: fields.find_rate || undefined, fail: several(fields.fail), no_spare: fields.no_spare || undefined,
    seed: numberOr(fields.seed), replications: numberOr(fields.replications), bounds: fields.bounds ? fields.bounds === 'on' : undefined, usd_per_chip_hour: numberOr(fields.price), label: fields.label,
  };
  for (const name of LENGTHS) body[name] = fields[name];
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined && value !== '' && value !== null));
}

/** What the fields of the load become when another kind of it is chosen: a trace has its own pace and length. */
export function loadChanged(fields: Fields): Partial<Fields> {
  if (fields.load === 'trace') return { rate: '', requests: '' };
  return { ...(fields.rate || fields.concurrency ? {} : { rate: DEFAULTS.rate }), ...(fields.requests || fields.duration ? {} : { requests: DEFAULTS.requests }) };
}

export type Wanted = 'noModel' | 'noSystem' | 'noTrace' | 'noProfile' | 'noLengths' | 'noRate' | 'noLength';

/** The first field that the question lacks, and the word that asks for it; null where it can be asked. */
export function lacks(fields: Fields, trace: Upload | null): { field: keyof Fields; word: Wanted } | null {
  const empty = (name: keyof Fields) => String(fields[name]).trim() === '';
  if (empty('model')) return { field: 'model', word: 'noModel' };
  if (empty('system')) return { field: 'system', word: 'noSystem' };
  if (fields.load === 'trace') return trace ? null : { field: 'trace_name', word: 'noTrace' };
  if (fields.load === 'profile' && empty('workload')) return { field: 'workload', word: 'noProfile' };
  for (const name of ['isl', 'osl'] as const) if (fields.load === 'lengths' && empty(name)) return { field: name, word: 'noLengths' };
  if (!fields.find_rate && empty('rate') && empty('concurrency')) return { field: 'rate', word: 'noRate' };
  return empty('requests') && empty('duration') ? { field: 'requests', word: 'noLength' } : null;
}

type Say = (key: any) => string;

/** Labels of the form's fields by flag, for hints that name flags. */
export function labelsOf(t: Say): Labels {
  const same = ['model', 'system', 'chips', 'tp', 'pp', 'dp', 'cp', 'ep', 'prefill', 'decode', 'engine', 'weights', 'kv', 'trace', 'format', 'workload', 'isl', 'osl', 'rate', 'arrivals',
    'concurrency', 'requests', 'timeout', 'scheduler', 'router', 'fail', 'mtbf', 'repair', 'autoscale', 'ttft', 'tpot', 'e2e', 'attain', 'seed', 'replications', 'duration', 'label', 'bounds'];
  const other: Record<string, string> = {
    'engine-version': 'engineVersion', 'mtp-tokens': 'mtpTokens', 'mtp-accept': 'mtpAccept', 'max-num-seqs': 'maxSeqs', 'max-num-batched-tokens': 'maxTokens', 'prefix-caching': 'prefix',
    'pooled-cache': 'pooledCache', 'skip-bad': 'skipBad', 'warm-up': 'warmUp', 'find-rate': 'findRate', 'no-spare': 'noSpare', spare: 'noSpare', 'usd-per-chip-hour': 'price',
  };
  return { ...Object.fromEntries(same.map((name) => [name, t(name === 'trace' ? 'traceFile' : name)])), ...Object.fromEntries(Object.entries(other).map(([flag, key]) => [flag, t(key)])) };
}

/** The question without its file, to tell whether it has changed. */
export function questionText(fields: Fields): string {
  const { trace: _, ...body } = request(fields);
  return JSON.stringify({ ...body, file: fields.load === 'trace' ? fields.trace_name : '' });
}

const textOf = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(',') : value === null || value === undefined ? '' : String(value));

/** The form's fields from a job's request. What the request leaves out is empty. */
export function fromRequest(asked: Body): Partial<Fields> {
  const found: Record<string, string | boolean> = {};
  const named = new Set<string>(['model', 'system', 'prefill', 'decode', 'engine', 'engine_version', 'weights', 'kv', 'chips', ...RANKS, ...NUMBERS, ...LENGTHS,
    'pooled_cache', 'workload', 'isl', 'osl', 'arrivals', 'format', 'rate', 'concurrency', 'requests', 'seed', 'replications', 'scheduler', 'router', 'autoscale', 'attain', 'label']);
  for (const name of named) found[name] = textOf(asked[name]);
  found['seed'] ||= '0';
  found['price'] = textOf(asked['usd_per_chip_hour']);
  found['prefix_caching'] = asked['prefix_caching'] === undefined ? '' : asked['prefix_caching'] ? 'on' : 'off';
  found['bounds'] = asked['bounds'] === undefined ? '' : asked['bounds'] ? 'on' : 'off';
  found['fail'] = Array.isArray(asked['fail']) ? asked['fail'].join('; ') : textOf(asked['fail']);
  for (const name of ['skip_bad', 'find_rate', 'no_spare']) found[name] = asked[name] === true;
  found['mode'] = asked['prefill'] || asked['decode'] ? 'disaggregated' : 'aggregated';
  found['load'] = asked['trace'] ? 'trace' : asked['workload'] ? 'profile' : 'lengths';
  found['trace_name'] = textOf((asked['trace'] as { name?: string } | undefined)?.name);
  return found as Partial<Fields>;
}

/** A pool's text as fields: 'instances=6,devices=32' is {instances: '6', devices: '32'}. */
export function poolOf(text: string): Record<string, string> {
  const pairs = text.split(',').map((one) => one.split('=')).filter((pair) => pair.length === 2);
  return Object.fromEntries(pairs.map(([name, value]) => [(name ?? '').trim(), (value ?? '').trim()]));
}

/** And back; empty ones are left out. */
export function poolText(pool: Record<string, string>): string {
  return Object.entries(pool).flatMap(([name, value]) => (value.trim() === '' ? [] : [`${name}=${value.trim()}`])).join(',');
}

/** What distinguishes a run in a list: model, system, load. */
export function nameOf(asked: Body): string {
  const load = asked['trace'] ? textOf((asked['trace'] as { name?: string }).name) : asked['workload'] ? textOf(asked['workload']) : asked['isl'] || asked['osl'] ? `${textOf(asked['isl'])} → ${textOf(asked['osl'])}` : '';
  const rate = asked['find_rate'] ? 'find-rate' : asked['rate'] === undefined ? '' : `${textOf(asked['rate'])}/s`;
  return [asked['label'] ? `"${textOf(asked['label'])}"` : '', textOf(asked['model']), textOf(asked['system']), [load, rate].filter(Boolean).join(' ')].filter(Boolean).join(' · ');
}

/** A stretch of time in the address, "12-30.5"; null for the whole. */
export function stretchOf(text: string): [number, number] | null {
  const found = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text);
  if (!found) return null;
  const [from, to] = [Number(found[1]), Number(found[2])];
  return to > from ? [from, to] : null;
}

export const stretchText = (from: number, to: number): string => `${Number(from.toPrecision(6))}-${Number(to.toPrecision(6))}`;
