// Files of plans for the verbs `why` and `export`, made of what `plan` answered.
import type { Envelope, Upload } from '../../lib/api';
import { layoutOf, type Plan } from './question';

/** An answer of `plan` that holds a plan of the board too. */
export function withPlan(answer: Envelope, plan: Plan): Envelope {
  const { plans = [], front = [], by_system = [] } = answer.result as { plans?: Plan[]; front?: Plan[]; by_system?: Plan[] };
  if ([...plans, ...front, ...by_system].some((one) => one.id === plan.id)) return answer;
  return { ...answer, result: { ...answer.result, front: [...front, plan] } };
}

export const fileOf = (answer: Envelope): Upload => ({ name: 'plan.json', text: JSON.stringify(answer) });

/** A plan in one line: "prefill 21 × PP 4 · DP 4; decode 3 × TP 2 · DP 72". */
export function lineOf(plan: Plan): string {
  const several = new Set(plan.pools.map((pool) => pool.system)).size > 1;
  return plan.pools
    .map((pool) => `${plan.pools.length > 1 ? `${pool.role} ` : ''}${pool.instances} × ${layoutOf(pool)} ${pool.weights}${several ? ` on ${pool.system}` : ''}`)
    .join('; ');
}

/** What sets plans of one layout apart: "vllm, fp8 / bf16". */
export function settingsOf(plan: Plan): string {
  const of = (value: (pool: Plan['pools'][number]) => string) => [...new Set(plan.pools.map(value))].join(' + ');
  return `${of((pool) => pool.engine)}, ${of((pool) => `${pool.weights} / ${pool.kv}`)}`;
}

/** The plan that one is set against: the best, or the second where it is the best itself. */
export function rival(plans: readonly Plan[], plan: Plan): number {
  return plans.findIndex((one) => one.id !== plan.id);
}
