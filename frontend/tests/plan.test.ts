import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { fieldsOf, queryOf } from '../src/lib/form.svelte';
import { bestAt, boardOption, endsOf, marksOf, short, told, type Look } from '../src/pages/plan/front';
import { simulateQuery, supernodeQuery } from '../src/pages/plan/links';
import { fileOf, lineOf, rival, withPlan } from '../src/pages/plan/plans';
import { askable, boardOf, DEFAULTS, layoutOf, lawOf, limitNamed, limitOf, nonsense, offFront, picked, pickOf, planOf, relaxedFields, setupOf, type Board, type Plan, type Point } from '../src/pages/plan/question';
import { Replanner } from '../src/pages/plan/replan';
import { WORDS as COMPARE } from '../src/pages/compare/words';
import { WORDS as PLAN } from '../src/pages/plan/words';
import { DEFAULTS as STANDARD } from '../src/pages/simulate/question';

const point = (x: number, y: number, changes: Partial<Point> = {}): Point => ({ x, x_low: x * 0.8, x_high: x * 1.2, y, y_low: y * 0.8, y_high: y * 1.2, system: 's', layout: `tp${x}`, chips: 8, plan: {}, ...changes });

describe('the question', () => {
  it('is in the address, defaults left out', () => {
    expect(Object.values(queryOf(DEFAULTS, DEFAULTS)).filter(Boolean)).toEqual([]);
    const fields = { ...DEFAULTS, tpot: '', power: '250', mixed: true, systems: ['a', 'b', 'c'] };
    const query = queryOf(fields, DEFAULTS);
    expect(fieldsOf({ power: '250', mixed: '1', systems: 'a,b,c' }, DEFAULTS)).toEqual({ ...fields, tpot: '50' });
    expect(query).toMatchObject({ power: '250', mixed: '1', systems: 'a,b,c' });
  });
  it('has limits with units and statistics', () => {
    expect(limitOf('50', 'mean')).toBe('50ms');
    expect(limitOf('50', 'p90')).toBe('p90:50ms');
    expect(limitOf('', 'p90')).toBeUndefined();
    expect(limitOf('many', 'mean')).toBeUndefined();
    expect(limitOf('none', 'p99')).toBeUndefined();
  });
  it('goes to the board and to the verb', () => {
    const fields = { ...DEFAULTS, chips: '12.4', budget: '1e6', engine: 'vllm, sglang' };
    expect(boardOf(fields)).toMatchObject({ model: 'deepseek-v3', isl: 4096, tpot: '50ms', chips: 12, budget_usd: 1e6, engine: ['vllm', 'sglang'], confidence: 0.9, per: 'chip' });
    expect(planOf(fields)).toMatchObject({ objective: 'goodput' });
    expect(planOf(fields)).not.toHaveProperty('per');
  });
  it('names a workload instead of lengths, and the law only with a place or a day', () => {
    const body = boardOf({ ...DEFAULTS, workload: 'chat', rate: '3' });
    expect(body).toMatchObject({ workload: 'chat', rate: 3 });
    expect(body).not.toHaveProperty('isl');
    expect(body).not.toHaveProperty('law');
    expect(boardOf({ ...DEFAULTS, from: 'US', to: 'CN', date: '2026-11-01' })).toMatchObject({ from: 'US', law: 'strict' });
  });
  it('asks for the law once seller, place and day are there, and says what lacks', () => {
    const day = { ...DEFAULTS, date: '2026-11-01' };
    expect(lawOf(day)).toEqual({ asked: true, lacks: ['from', 'to'] });
    expect(boardOf(day)).toMatchObject({ date: '2026-11-01', law: 'off' });
    expect(lawOf({ ...DEFAULTS, hq: 'CN' })).toEqual({ asked: true, lacks: ['from', 'to', 'date'] });
    expect(boardOf({ ...DEFAULTS, hq: 'CN' })).not.toHaveProperty('hq');
    expect(lawOf({ ...day, law: 'off' }).asked).toBe(false);
    expect(lawOf(DEFAULTS).asked).toBe(false);
  });
  it('takes no number of 0 or less, and no word, for a limit, and says which are none', () => {
    for (const text of ['abc', '-5', '0', '1e999', '5 ms']) {
      expect(nonsense(text)).toBe(true);
      const body = boardOf({ ...DEFAULTS, ttft: text, tpot: text, power: text, chips: text, budget: text, racks: text, goodput: text, hourly: text });
      for (const name of ['ttft', 'tpot', 'power_kw', 'chips', 'budget_usd', 'racks', 'goodput', 'usd_per_hour'] as const) expect(body[name]).toBeUndefined();
    }
    for (const text of ['', ' ', '50', '1e3', '.5']) expect(nonsense(text)).toBe(false);
  });
  it('is not asked without a model, systems and lengths', () => {
    expect(askable(DEFAULTS)).toBe(true);
    for (const lack of [{ model: '' }, { systems: [] }, { isl: 'x' }, { osl: '' }, { isl: '0' }, { workload: 'chat', rate: 'many' }]) expect(askable({ ...DEFAULTS, ...lack })).toBe(false);
    expect(askable({ ...DEFAULTS, workload: 'chat', isl: '' })).toBe(true);
  });
  it('has labels for limits of an answer', () => {
    expect(limitNamed('ttft_p90')).toEqual({ key: 'ttft', at: 'p90' });
    expect(limitNamed('capex')).toEqual({ key: 'budget', at: '' });
    expect(limitNamed('else')).toBeNull();
  });
  it('says of capital what the catalog assumes of the network', () => {
    const facts = readFileSync(`${import.meta.dirname}/../../src/accord/catalog/data/prices/assumptions-ownership.yaml`, 'utf-8');
    const [value, low, high] = (/network_share:\s+value: (\S+)\s+low: (\S+)\s+high: (\S+)/.exec(facts) ?? []).slice(1).map((one) => 100 * Number(one));
    for (const text of [PLAN.en.capexNote, PLAN.zh.capexNote, COMPARE.en.priceNote, COMPARE.zh.priceNote]) {
      expect(text).toContain(`${value} %`);
      expect(text).toContain(`${low} – ${high} %`);
    }
  });
  it('takes the nearest question that has a plan', () => {
    expect(relaxedFields('tpot', 0.0213)).toEqual({ tpot: '21.4', tpot_at: 'mean' });
    expect(relaxedFields('ttft_p90', 1)).toEqual({ ttft: '1010', ttft_at: 'p90' });
    expect(relaxedFields('confidence', 0.89397)).toEqual({ confidence: '0.893' });
    expect(relaxedFields('power', 145000)).toEqual({ power: '146' });
    expect(relaxedFields('chips', 71.2)).toEqual({ chips: '72' });
    expect(relaxedFields('something', 1)).toEqual({});
  });
});

describe('a point of the front', () => {
  const front = [point(10, 500), point(20, 300), point(40, 100)];
  it('is found again by its name, or by its layout', () => {
    expect(picked(front, pickOf(front[1] as Point))).toBe(1);
    expect(picked([point(20.5, 290, { layout: 'tp20' })], pickOf(front[1] as Point))).toBe(0);
    const two = [point(10, 9, { layout: 'tp20' }), point(19, 8, { layout: 'tp20' })];
    expect(picked(two, pickOf(front[1] as Point))).toBe(1);
    expect(picked(front, 'other|tp9|1')).toBe(-1);
    expect(picked(front, '')).toBe(-1);
  });
  it('is told apart from others of its layout', () => {
    expect(setupOf({ engine: ['vllm'], weights: ['fp8'], kv: ['bf16'], batch: [152], mtp_tokens: [1] })).toEqual({ engine: 'vllm', formats: 'fp8 / bf16', drafts: 1, batch: '152' });
    expect(setupOf({}).batch).toBe('');
    expect(told(point(1, 2, { plan: { engine: ['vllm'], weights: ['fp8'], kv: ['fp8'], batch: [7] } }), look)).toContain('vllm, fp8 / fp8, requests: 7');
  });
  it('says its intervals', () => expect(told(front[0] as Point, look)).toContain('8 – 12'));
});

const look: Look = { axes: 'log', x: 'user', y: 'chip', unitX: 'tok/s', unitY: 'tok/s', chips: 'chips', front: 'front', best: 'best', requests: 'requests', infeasible: 'no', band: 'band', colors: ['#1', '#2'], ink: '#000', soft: '#999', back: '#fff', chosen: 0 };

describe('the picture', () => {
  const board: Board = {
    candidates: 4, feasible: 2, rejected: {}, systems: ['s', 'z'], best: null, front: [point(10, 500), point(20, 300, { system: 'z' })],
    points: { x: [10, 20, 5, 6], y: [500, 300, 10, 20], feasible: [true, true, false, false], system: [0, 1, 0, 1] },
  };
  const option = boardOption(board, look) as any;
  const of = (kind: string) => option.series.filter((one: any) => one.type === kind);
  it('has every candidate once, feasible ones apart', () => {
    const clouds = of('scatter').filter((one: any) => one.large);
    expect(clouds).toHaveLength(4);
    expect(clouds.map((one: any) => one.data.length)).toEqual([1, 1, 1, 1]);
  });
  it('has the front by system, each with a symbol of its own', () => {
    const fronts = of('scatter').filter((one: any) => !one.large);
    expect(fronts.map((one: any) => one.symbol)).toEqual(['circle', 'diamond']);
    expect(fronts.flatMap((one: any) => one.data.map((each: any) => each.index))).toEqual([0, 1]);
  });
  it('names systems that are off the front, and leaves those that are not drawn out of the legend', () => {
    expect(offFront(board)).toEqual({ beaten: [], undrawn: [] });
    const one: Board = { ...board, systems: ['s', 'z', 'none'], front: [point(10, 500)] };
    expect(offFront(one)).toEqual({ beaten: ['z'], undrawn: ['none'] });
    expect((boardOption(one, look) as any).legend.data.map((each: any) => each.name)).toEqual(['s', 'z']);
  });
  it('has the best plan as a star, where its cost is known', () => {
    const value = (number: number) => ({ value: number, unit: '1', low: null, high: null, basis: 'derived' });
    const best = { holdings: [{ system: 's' }], pools: [], metrics: { output_token_per_s_per_user: value(30), output_token_per_s_per_chip: value(600), usd_per_million_output_tokens: value(0.5) } } as unknown as Plan;
    expect(bestAt(best, 'tok/s')).toEqual([30, 600]);
    expect(bestAt(best, 'tok/USD')).toEqual([30, 2e6]);
    expect(bestAt({ ...best, metrics: { output_token_per_s_per_user: value(30) } }, 'tok/USD')).toBeNull();
    const drawn = boardOption({ ...board, best }, look) as any;
    expect(drawn.series.find((each: any) => each.name === 'best').data[0].value).toEqual([30, 600]);
    expect(drawn.legend.data.at(-1).name).toBe('best');
  });
  it('draws no path of no marks', () => {
    const none = boardOption({ ...board, points: { x: [1], y: [1], feasible: [true], system: [0] } }, look) as any;
    expect(none.series.filter((one: any) => one.large).map((one: any) => one.data.length)).toEqual([1]);
  });
  it('has a band and whiskers', () => expect(of('custom')).toHaveLength(2));
  it('draws an empty front', () => expect(() => boardOption({ ...board, front: [], points: { x: [], y: [], feasible: [], system: [] } }, look)).not.toThrow());
  it('has marks 1-2-5', () => {
    expect([0.5, 200, 20_000, 2e6].map(short)).toEqual(['0.5', '200', '20 k', '2 M']);
    expect(marksOf(4, 60)).toEqual([5, 10, 20, 50]);
    expect(endsOf([])).toEqual([1, 10]);
    expect(endsOf([0, -1, 2])[0]).toBeLessThan(2);
  });
});

describe('planning again', () => {
  function setUp() {
    const asked: { body: any; signal: AbortSignal; answer: (text: string) => void; fail: (error: unknown) => void }[] = [];
    const answers: string[] = [];
    const painted: number[] = [];
    const errors: unknown[] = [];
    const busy: boolean[] = [];
    const replanner = new Replanner<string>(
      (body, signal) => new Promise((answer, fail) => asked.push({ body, signal, answer, fail })),
      { answer: (found) => void answers.push(found), error: (problem) => void errors.push(problem), busy: (whether) => void busy.push(whether) },
      (since) => void painted.push(since),
    );
    return { asked, answers, painted, errors, busy, replanner };
  }
  const settle = () => vi.waitFor(() => undefined).then(() => new Promise((done) => setTimeout(done, 0)));

  it('asks the last of those that came while one was under way', async () => {
    const { asked, answers, replanner } = setUp();
    for (const at of [1, 2, 3]) replanner.slide({ at });
    expect(asked.map((one) => one.body.at)).toEqual([1]);
    asked[0]?.answer('one');
    await settle();
    expect(asked.map((one) => one.body.at)).toEqual([1, 3]);
    asked[1]?.answer('three');
    await settle();
    expect(answers).toEqual(['one', 'three']);
  });
  it('takes back what is under way when another is let go, and the latest wins', async () => {
    const { asked, answers, painted, busy, replanner } = setUp();
    replanner.slide({ at: 1 });
    replanner.release({ at: 2 }, 20);
    expect(asked[0]?.signal.aborted).toBe(true);
    asked[1]?.answer('two');
    asked[0]?.answer('one');
    await settle();
    expect(answers).toEqual(['two']);
    expect(painted).toEqual([20]);
    expect(busy.at(-1)).toBe(false);
  });
  it('does not ask twice what is under way or shown', async () => {
    const { asked, painted, replanner } = setUp();
    replanner.slide({ at: 1 });
    replanner.release({ at: 1 }, 10);
    expect(asked).toHaveLength(1);
    asked[0]?.answer('one');
    await settle();
    replanner.release({ at: 1 }, 11);
    replanner.slide({ at: 1 });
    expect(asked).toHaveLength(1);
    expect(painted).toEqual([10, 11]);
  });
  it('tells of an error, and asks again after it', async () => {
    const { asked, errors, replanner } = setUp();
    replanner.release({ at: 1 }, 1);
    asked[0]?.fail(new Error('no'));
    await settle();
    expect(errors).toHaveLength(1);
    replanner.release({ at: 1 }, 2);
    expect(asked).toHaveLength(2);
  });
});

describe('links to other pages', () => {
  const pool = { role: 'decode', system: 's', engine: 'vllm', weights: 'fp8', kv: 'bf16', tp: 2, pp: 1, dp: 4, cp: 1, ep: 8, devices: 8, instances: 3, batch_per_device: 12.5, max_num_batched_tokens: 8192, max_num_seqs: 100, mtp_tokens: 1, mtp_accept: 0.7, reuse: 0 };
  const plan = { id: 'p', model: 'm', pools: [{ ...pool, role: 'prefill', kv: 'fp8' }, pool], holdings: [{ used: 48 }], metrics: { request_per_s: { value: 12.3456 } } } as unknown as Plan;
  it('carry pools as the command line takes them', () => {
    const query = fieldsOf(simulateQuery(plan, DEFAULTS), STANDARD);
    expect(query).toMatchObject({ mode: 'disaggregated', decode: 'instances=3,devices=8,tp=2,dp=4,ep=8', rate: '12.3', engine: 'vllm', isl: '4096' });
    expect(query['kv']).toBe('');
    expect(fieldsOf(simulateQuery({ ...plan, pools: [pool] } as unknown as Plan, { ...DEFAULTS, workload: 'chat' }), STANDARD)).toMatchObject({ mode: 'aggregated', chips: '48', tp: '2', workload: 'chat', load: 'profile' });
  });
  it('say the plan and its limits whole, nothing left to the defaults of the other page', () => {
    const timed = { ...plan, metrics: { ...plan.metrics, e2el_s: { value: 30 } } } as unknown as Plan;
    const open = fieldsOf(simulateQuery(timed, { ...DEFAULTS, tpot: '50' }), STANDARD);
    expect(open).toMatchObject({ ttft: '', tpot: '50ms', e2e: '', attain: '0.5', max_num_seqs: '100', max_num_batched_tokens: '8192', prefix_caching: 'off', tp: '', requests: '', duration: '90s', warm_up: '38s' });
    const limited = fieldsOf(simulateQuery(timed, { ...DEFAULTS, ttft: '800', ttft_at: 'p90', e2el: '20000', e2el_at: 'p99' }), STANDARD);
    expect(limited).toMatchObject({ ttft: '800ms', e2e: '20000ms', attain: '0.99' });
    const two = { ...plan, pools: [{ ...pool, role: 'prefill', system: 'z' }, pool] } as unknown as Plan;
    expect(simulateQuery(two, DEFAULTS)['prefill']).toContain(',system=z');
  });
  it('lay a plan of one system on its drawing', () => {
    expect(supernodeQuery(plan, DEFAULTS)).toMatchObject({ prefill: 'instances=3,devices=8,tp=2,dp=4,ep=8', batch: '12.5', tokens: '8192', reuse: '0' });
    expect(supernodeQuery({ ...plan, pools: [{ ...pool, system: 'z' }, pool] } as unknown as Plan, DEFAULTS)).toBeNull();
  });
});

describe('files of plans', () => {
  const plan = (id: string) => ({ id, pools: [{ role: 'serve', system: 's', tp: 2, pp: 1, dp: 1, cp: 1, ep: 1, instances: 3, weights: 'fp8' }] }) as unknown as Plan;
  const answer = { schema: 'accord.plan/1', accord: '0', catalog: 'c', inputs: {}, result: { plans: [plan('a'), plan('b')] }, sources: [], warnings: [] };
  it('hold a plan of the board too', () => {
    expect(withPlan(answer, plan('a'))).toBe(answer);
    expect(JSON.parse(fileOf(withPlan(answer, plan('c'))).text ?? '').result.front).toHaveLength(1);
  });
  it('set a plan against the best, and the best against the next', () => {
    expect(rival([plan('a'), plan('b')], plan('a'))).toBe(1);
    expect(rival([plan('a'), plan('b')], plan('z'))).toBe(0);
    expect(rival([plan('a')], plan('a'))).toBe(-1);
  });
  it('say a layout', () => {
    expect(lineOf(plan('a'))).toBe('3 × TP 2 fp8');
    expect(layoutOf({ tp: 1, pp: 1, dp: 1, cp: 1, ep: 1 })).toBe('TP 1');
  });
});
