import { describe, expect, it } from 'vitest';
import { DEFAULTS, fromRequest, labelsOf, lacks, loadChanged, nameOf, poolOf, poolText, questionText, request, stretchOf, stretchText } from '../src/pages/simulate/question';
import { advised, lacking, steady } from '../src/pages/simulate/length';
import { differences, merged, sideBySide } from '../src/pages/simulate/runs';
import { beside, busyLines, curveOf, firstLook, mostOf, moved, panelsOf, quantileOf, shareUnder, type Series } from '../src/pages/simulate/series';

const state = (mean: number[]) => ({ mean });
const SERIES: Series = {
  form: 1, end_s: 4, complete: true,
  latency: { share: [0, 0.5, 1], ttft_s: [0.1, 0.2, 0.4], tpot_s: [null, null, null], e2e_s: [1, 2, 3], queue_s: [0, 0, 0.1], count: { ttft_s: 3 } },
  pools: ['serve', 'all'].map((name) => ({ name, time_s: [0, 2], running: state([1, 3]), waiting: state([0, 1]), kv_share: state([0.1, 0.4]), instances: state([1, 1]) })),
  load: { time_s: [0, 1, 2], waiting: [0, 2, 0], running: [1, 2, 3] },
  tokens: { time_s: [1, 3], answer_per_s: [10, 20], prompt_per_s: [100, 0], cached_share: [0, null] },
  events: [],
  busy: { width_s: 2, until_s: 4, instances: [{ instance: 0, pool: 'serve', share: { decode: [0.5, 1], prefill: [0.5, 0] } }, { instance: 1, pool: 'serve', share: { decode: [0, 1] } }] },
  gantt: { of: 3, until_s: 4, kinds: ['decode', 'prefill'], pools: ['serve'], start_s: [0, 1, 2], duration_s: [1, 1, 2], instance: [0, 0, 0], kind: [1, 0, 0], batch: [0, 1, 1], prompt_tokens: [2000, 0, 0], iterations: [1, 8, 9] },
};

describe('a simulated run', () => {
  it('is asked with what is stated alone', () => {
    const body = request(DEFAULTS);
    expect(body).toMatchObject({ model: 'llama-3.1-70b', tp: 8, isl: '2000', rate: 2, requests: 300, ttft: '500ms', seed: 0 });
    for (const name of ['workload', 'trace', 'prefill', 'find_rate', 'no_spare', 'engine', 'job', 'metric']) expect(body).not.toHaveProperty(name);
  });
  it('asks for the highest rate without one', () => expect(request({ ...DEFAULTS, find_rate: true })).toEqual(expect.not.objectContaining({ rate: 2 })));
  it('sends a trace as its content, two pools as texts, failures as a list', () => {
    const trace = { name: 't.jsonl', text: '{}' };
    expect(request({ ...DEFAULTS, load: 'trace', format: 'mooncake', rate: '' }, trace)).toMatchObject({ trace, format: 'mooncake' });
    expect(request({ ...DEFAULTS, load: 'trace' })).not.toHaveProperty('isl');
    const pools = request({ ...DEFAULTS, mode: 'disaggregated', prefill: 'instances=6,devices=32', decode: 'instances=1,devices=160' });
    expect(pools).toMatchObject({ prefill: 'instances=6,devices=32' });
    expect(pools).not.toHaveProperty('tp');
    expect(request({ ...DEFAULTS, fail: 'instance=0,at=5s,down=1s; instance=1,at=9s,down=1s' })['fail']).toHaveLength(2);
  });
  it('says what it cannot read as it is, for the server to refuse', () => expect(request({ ...DEFAULTS, tp: 'eight' })['tp']).toBe('eight'));
  it('comes back from a job', () => {
    for (const change of [{}, { tpot: '', price: '3', prefix_caching: 'off', fail: 'instance=0,at=5s,down=1s' }, { load: 'profile', workload: 'chat', isl: '', osl: '' }, { mode: 'disaggregated', prefill: 'instances=2', decode: 'devices=8', tp: '' }, { find_rate: true, rate: '' }, { bounds: 'off' }]) {
      const fields = { ...DEFAULTS, ...change };
      expect(questionText({ ...DEFAULTS, ...fromRequest(request(fields)) })).toBe(questionText(fields));
    }
    expect(fromRequest({ trace: { name: 't.csv' } })).toMatchObject({ load: 'trace', trace_name: 't.csv' });
  });
  it('has a name', () => {
    expect(nameOf({ model: 'm', system: 's', isl: '2000', osl: '200', rate: 2 })).toBe('m · s · 2000 → 200 2/s');
    expect(nameOf({ model: 'm', system: 's', workload: 'chat', find_rate: true, label: 'x' })).toBe('"x" · m · s · chat find-rate');
    expect(nameOf({ model: 'm', rate: 2 })).toBe('m · 2/s');
  });
  it('has pools as fields and as text', () => {
    expect(poolOf('instances=6, devices=32')).toEqual({ instances: '6', devices: '32' });
    expect(poolText({ instances: '6', devices: '', ep: '32' })).toBe('instances=6,ep=32');
  });
});

describe('the length of a run', () => {
  const answer = (metrics: Record<string, number>, more = {}) => ({ warnings: [] as string[], result: { metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, { value }])), ...more } }) as any;
  it('is several times that of an answer, the beginning left out, with intervals', () => {
    expect(steady(242, 35.7)).toEqual({ requests: '', duration: '110s', warm_up: '45s', bounds: 'on' });
    expect(steady(2, 4)).toMatchObject({ duration: '160s', warm_up: '5s', bounds: '' });
    expect(steady(1e5, 40)['duration']).toBe('80s');
    expect(steady(NaN, 0)).toMatchObject({ requests: '300', duration: '' });
  });
  it('is too short where all come within an answer or two', () => {
    const short = { requests: 1500, offered_request_per_s: 310, e2e_mean_s: 30, makespan_s: 40, window_s: 40 };
    expect(lacking({ rate: 311 }, answer(short))).toMatchObject({ kind: 'short', longer: { duration: '90s' } });
    expect(lacking({ concurrency: 10 }, answer(short))).toBeNull();
    expect(lacking({ rate: 311 }, answer({ ...short, requests: 45_000, makespan_s: 145 }))).toBeNull();
    expect(lacking({ rate: 311 }, answer({ ...short, requests: 24_000, window_s: 50, makespan_s: 77 }, { warm_up_s: 27 }))).toBeNull();
  });
  it('is too short where sessions have not come back yet', () => {
    const late = answer({ requests: 400, offered_request_per_s: 0.6, e2e_mean_s: 2, makespan_s: 670, window_s: 670 });
    late.warnings = ['people come back; give --warm-up 5min --duration 13min or longer'];
    expect(lacking({ rate: 8 }, late)).toMatchObject({ kind: 'late', asked: 8, longer: { warm_up: '5min', duration: '13min' } });
    expect(advised(['nothing'])).toBeNull();
  });
});

describe('a question that lacks something', () => {
  it('is told by field', () => {
    expect(lacks(DEFAULTS, null)).toBeNull();
    expect(lacks({ ...DEFAULTS, load: 'profile' }, null)).toEqual({ field: 'workload', word: 'noProfile' });
    expect(lacks({ ...DEFAULTS, load: 'trace' }, null)?.word).toBe('noTrace');
    expect(lacks({ ...DEFAULTS, rate: '' }, null)?.field).toBe('rate');
    expect(lacks({ ...DEFAULTS, rate: '', find_rate: true }, null)).toBeNull();
    expect(lacks({ ...DEFAULTS, requests: ' ' }, null)?.field).toBe('requests');
    expect(lacks({ ...DEFAULTS, load: 'trace', rate: '', requests: '' }, { name: 't', text: '' })).toBeNull();
  });
  it('has a trace at its own pace and length', () => {
    expect(loadChanged({ ...DEFAULTS, load: 'trace' })).toEqual({ rate: '', requests: '' });
    expect(loadChanged({ ...DEFAULTS, load: 'lengths', rate: '', requests: '' })).toEqual({ rate: '2', requests: '300' });
    expect(loadChanged({ ...DEFAULTS, load: 'profile', rate: '7', requests: '', duration: '5min' })).toEqual({});
  });
  it('has labels for the flags of hints', () => expect(labelsOf((key) => key)).toMatchObject({ format: 'format', trace: 'traceFile', 'warm-up': 'warmUp' }));
});

describe('curves', () => {
  it('are shares of requests by latency', () => {
    const curve = curveOf(SERIES, 'ttft');
    expect(curve).toEqual([[0.1, 0], [0.2, 0.5], [0.4, 1]]);
    expect(curveOf(SERIES, 'tpot')).toEqual([]);
    expect(quantileOf(curve, 0.75)).toBeCloseTo(0.3);
    expect(quantileOf([], 0.5)).toBeNull();
    expect([shareUnder(curve, 0.05), shareUnder(curve, 0.2), shareUnder(curve, 9)]).toEqual([0, 0.5, 1]);
  });
  it('are panels of what there is', () => {
    const panels = panelsOf(SERIES);
    expect(panels.map((one) => one.key)).toEqual(['queue', 'batch', 'kv', 'busy', 'answers', 'prompts']);
    expect(mostOf(SERIES, 'waiting').whole).toBe(2);
    expect(mostOf({ ...SERIES, pools: [{ ...SERIES.pools[0]!, name: 'prefill', kv_share: state([0.9]) }, ...SERIES.pools] }, 'kv_share')).toEqual({ whole: 0.4, pools: [{ name: 'prefill', most: 0.9 }, { name: 'serve', most: 0.4 }] });
    const two = panelsOf({ ...SERIES, pools: ['prefill', 'decode', 'all'].map((name) => ({ ...SERIES.pools[0]!, name, link_share: state([0, 0.5]) })), events: [{ time_s: 1, instance: 0, what: 'down' }] });
    expect(two.map((one) => one.key)).toContain('links');
    expect(two.find((one) => one.key === 'queue')?.lines.map((one) => one.name)).toEqual(['prefill', 'decode']);
    expect(two.at(-1)?.key).toBe('instances');
  });
  it('stand beside those of a second run', () => {
    const both = beside(panelsOf(SERIES), panelsOf(SERIES));
    expect(both[0]?.lines.map((one) => one.name)).toEqual(['A', 'B']);
    expect(both.find((one) => one.key === 'busy')?.lines.map((one) => one.name)).toEqual(['decode', 'prefill']);
    expect(beside(panelsOf(SERIES), [])).toEqual(panelsOf(SERIES));
  });
  it('have the mean work of the instances', () => expect(busyLines(SERIES)[0]).toEqual({ name: 'decode', points: [[1, 0.25], [3, 1]] }));
});

describe('a stretch of time', () => {
  it('is in the address', () => {
    expect(stretchOf(stretchText(1.5, 30))).toEqual([1.5, 30]);
    for (const text of ['', '5-1', 'a-b', '1']) expect(stretchOf(text)).toBeNull();
  });
  it('moves within the run', () => {
    expect(moved([0, 10], 100, 1, 0.5)).toEqual([5, 15]);
    expect(moved([0, 10], 100, 1, -0.5)).toEqual([0, 10]);
    expect(moved([0, 10], 100, 0.5, 0)).toEqual([2.5, 7.5]);
    expect(moved([0, 90], 100, 2, 0)).toEqual([0, 100]);
  });
  it('begins with iterations that can be told apart', () => {
    expect(firstLook(SERIES.gantt)).toBe(4);
    expect(firstLook(SERIES.gantt, 2)).toBe(2);
  });
});

describe('past runs', () => {
  const job = (id: string, run: string | null, created: string) => ({ id, verb: 'simulate', state: 'done' as const, created, started: null, ended: null, progress: null, error: null, run, request: { model: 'm', system: 's' }, resumes: 0 });
  it('are jobs, and runs that no job made, newest first', () => {
    const stored = (id: string, created: string) => ({ id, created, inputs: {}, metrics: {}, model: 'm', system: 's' });
    const found = merged([job('a', 'r1', '2026-01-02T00:00:00')], [stored('r1', '2026-01-02T00:00:00'), stored('r2', '2026-01-03T00:00:00')]);
    expect(found.map((one) => one.key)).toEqual(['run-r2', 'job-a']);
  });
  it('stand side by side', () => {
    const one = (value: number) => ({ value, unit: 's', low: null, high: null, basis: 'derived' });
    const rows = sideBySide({ x: one(2), y: one(0), z: one(1) }, { x: one(3), y: one(1) });
    expect(rows.map((row) => [row.name, row.ratio])).toEqual([['x', 1.5], ['y', null]]);
  });
  it('differ in inputs', () => {
    const answer = { result: { inputs: [{ name: 'command', values: [[], []] }, { name: 'workload.rate', values: [2, 4] }, { name: 'slos', values: [[{ a: 1 }], null] }] } } as any;
    expect(differences(answer)).toEqual([{ name: 'workload.rate', a: '2', b: '4' }, { name: 'slos', a: '[{"a":1}]', b: '–' }]);
    expect(differences(null)).toEqual([]);
  });
});
