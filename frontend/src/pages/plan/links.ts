// A plan as the question of another page.
import { queryOf } from '../../lib/form.svelte';
import type { Query } from '../../lib/route.svelte';
import { steady } from '../simulate/length';
import { DEFAULTS as STANDARD, type Fields as Simulated } from '../simulate/question';
import { limitOf, type Fields, type Plan, type Pool } from './question';

/** A pool as the command line takes it: "instances=3,devices=144,tp=2,dp=72,ep=144". */
export function poolText(pool: Pool): string {
  const ranks = (['tp', 'pp', 'dp', 'cp', 'ep'] as const).filter((one) => pool[one] > 1).map((one) => `${one}=${pool[one]}`);
  return [`instances=${pool.instances}`, `devices=${pool.devices}`, ...ranks].join(',');
}

const shared = <K extends keyof Pool>(pools: readonly Pool[], name: K): string => (pools.every((one) => one[name] === pools[0]?.[name]) ? String(pools[0]?.[name] ?? '') : '');
const digits = (value: number | undefined): string => (value === undefined ? '' : String(Number(value.toPrecision(3))));

const LIMITS = [['ttft', 'ttft'], ['tpot', 'tpot'], ['e2el', 'e2e']] as const;
/** The share of requests that keeps a limit on a statistic; about half of them lie below a mean. */
const SHARES: Record<string, number> = { mean: 0.5, p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 };

/** The plan's limits, as limits on a request and the share that must keep them. */
function limitFields(fields: Fields): Pick<Simulated, 'ttft' | 'tpot' | 'e2e' | 'attain'> {
  const found = { ttft: '', tpot: '', e2e: '', attain: '' };
  let share = 0;
  for (const [own, name] of LIMITS) {
    const limit = limitOf(fields[own], 'mean');
    if (limit === undefined) continue;
    found[name] = limit;
    share = Math.max(share, SHARES[fields[`${own}_at`]] ?? 0.9);
  }
  return { ...found, attain: share ? String(share) : '' };
}

/** The engine's limits: tokens of an iteration, and requests at once, no fewer than fill an iteration with prompts. */
function engineFields(pools: readonly Pool[], fields: Fields): Pick<Simulated, 'max_num_seqs' | 'max_num_batched_tokens'> {
  const tokens = Math.max(...pools.map((one) => one.max_num_batched_tokens));
  const prompts = tokens && Number(fields.isl) > 0 ? Math.ceil(tokens / Number(fields.isl)) : 0;
  const last = pools[pools.length - 1] as Pool;
  return { max_num_seqs: String(Math.max(last.max_num_seqs, Math.min(prompts, pools[0]?.max_num_seqs ?? 0))), max_num_batched_tokens: tokens ? String(tokens) : '' };
}

/** The same deployment, load and limits to the page that simulates it, for as long as shows it at work; nothing is left to that page's defaults. */
export function simulateQuery(plan: Plan, fields: Fields): Query {
  const { pools } = plan;
  const last = pools[pools.length - 1] as Pool;
  const apart = pools.length > 1;
  const rate = digits(plan.metrics['request_per_s']?.value);
  const placed = (pool: Pool): string => (pool.system === last.system ? poolText(pool) : `${poolText(pool)},system=${pool.system}`);
  const cleared = Object.fromEntries(['chips', 'tp', 'prefill', 'decode', 'workload', 'isl', 'osl'].map((name) => [name, '']));
  const whole: Simulated = {
    ...STANDARD, ...cleared, model: plan.model, system: last.system, mode: apart ? 'disaggregated' : 'aggregated',
    ...(apart
      ? Object.fromEntries(pools.map((pool) => [pool.role, placed(pool)]))
      : { chips: String(plan.holdings.reduce((sum, held) => sum + held.used, 0)), ...Object.fromEntries((['tp', 'pp', 'dp', 'cp', 'ep'] as const).map((name) => [name, String(last[name])])) }),
    ...(fields.workload ? { load: 'profile', workload: fields.workload } : { load: 'lengths', isl: fields.isl, osl: fields.osl }),
    engine: shared(pools, 'engine'), engine_version: last.engine_version ?? '', weights: shared(pools, 'weights'), kv: shared(pools, 'kv'),
    mtp_tokens: last.mtp_tokens ? String(last.mtp_tokens) : '', mtp_accept: last.mtp_tokens ? String(last.mtp_accept) : '', prefix_caching: pools.some((one) => one.reuse > 0) ? 'on' : 'off',
    ...engineFields(pools, fields), ...limitFields(fields), rate, ...steady(Number(rate), plan.metrics['e2el_s']?.value ?? 0),
  };
  return Object.fromEntries(Object.entries(queryOf(whole, STANDARD)).filter(([, value]) => value !== ''));
}

/** To the drawing of its system; null where it lies on two. */
export function supernodeQuery(plan: Plan, fields: Fields): Query | null {
  const { pools } = plan;
  const [first, last] = [pools[0] as Pool, pools[pools.length - 1] as Pool];
  if (first.system !== last.system) return null;
  if (pools.length === 1) return { system: first.system, model: plan.model, lay: '0' };
  return {
    system: first.system, model: plan.model, prefill: poolText(first), decode: poolText(last), engine: shared(pools, 'engine'), weights: shared(pools, 'weights'),
    isl: fields.isl, osl: fields.osl, batch: digits(last.batch_per_device), tokens: String(first.max_num_batched_tokens), mtp: String(last.mtp_tokens), accept: String(last.mtp_accept || 0.7), reuse: String(first.reuse),
  };
}
