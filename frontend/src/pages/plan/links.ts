// A plan as the question of another page.
import type { Query } from '../../lib/route.svelte';
import { limitOf, type Fields, type Plan, type Pool } from './question';

/** A pool as the command line takes it: "instances=3,devices=144,tp=2,dp=72,ep=144". */
export function poolText(pool: Pool): string {
  const ranks = (['tp', 'pp', 'dp', 'cp', 'ep'] as const).filter((one) => pool[one] > 1).map((one) => `${one}=${pool[one]}`);
  return [`instances=${pool.instances}`, `devices=${pool.devices}`, ...ranks].join(',');
}

const shared = <K extends keyof Pool>(pools: readonly Pool[], name: K): string => (pools.every((one) => one[name] === pools[0]?.[name]) ? String(pools[0]?.[name] ?? '') : '');
const digits = (value: number | undefined): string => (value === undefined ? '' : String(Number(value.toPrecision(3))));

/** Its load and limits to the page that simulates it. */
export function simulateQuery(plan: Plan, fields: Fields): Query {
  const { pools } = plan;
  const last = pools[pools.length - 1] as Pool;
  const load: Query = fields.workload ? { load: 'profile', workload: fields.workload } : { isl: fields.isl, osl: fields.osl };
  const apart: Query = Object.fromEntries(pools.map((pool) => [pool.role, poolText(pool)]));
  const one: Query = {
    chips: String(plan.holdings.reduce((sum, held) => sum + held.used, 0)), ...Object.fromEntries((['tp', 'pp', 'dp', 'cp', 'ep'] as const).map((name) => [name, String(last[name])])),
    max_num_seqs: String(last.max_num_seqs), max_num_batched_tokens: last.max_num_batched_tokens ? String(last.max_num_batched_tokens) : '',
  };
  return {
    model: plan.model, system: last.system, mode: pools.length > 1 ? 'disaggregated' : 'aggregated', ...(pools.length > 1 ? apart : one), ...load,
    engine: shared(pools, 'engine'), weights: shared(pools, 'weights'), kv: shared(pools, 'kv'),
    ...(last.mtp_tokens ? { mtp_tokens: String(last.mtp_tokens), mtp_accept: String(last.mtp_accept) } : {}),
    rate: digits(plan.metrics['request_per_s']?.value), ...(fields.ttft ? { ttft: limitOf(fields.ttft, 'mean') ?? '' } : {}), ...(limitOf(fields.tpot, 'mean') ? { tpot: limitOf(fields.tpot, 'mean') as string } : {}),
  };
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
