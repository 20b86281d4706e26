// Past runs: jobs of this server and runs of the store, and what two of them have side by side.
import { ask, get, type Body, type Envelope, type Job, type Metric } from '../../lib/api';
import { nameOf } from './question';
import type { Series } from './series';

export interface Past {
  /** `job-ID` or `run-ID`, as the address names it. */
  key: string;
  name: string;
  created: string;
  state: Job['state'];
  run: string | null;
}
export interface Told {
  key: string;
  name: string;
  run: string | null;
  metrics: Record<string, Metric>;
  series: Series | null;
}

interface StoredRun {
  id: string;
  created: string;
  inputs: { deployment?: { model?: string; system?: string }; workload?: Body };
  metrics: Record<string, number>;
  complete?: boolean;
  model?: string;
  system?: string;
  label?: string;
}

const nameOfRun = (run: StoredRun): string => nameOf({ model: run.model, system: run.system, label: run.label, ...run.inputs.workload });

/** Simulations, newest first: the server's jobs, and runs that no job of it made. */
export async function pastRuns(signal?: AbortSignal): Promise<Past[]> {
  const [jobs, stored] = await Promise.all([
    get<{ jobs: Job[] }>('/jobs', signal).then((found) => found.jobs.filter((one) => one.verb === 'simulate')),
    ask<{ runs: StoredRun[] }>('runs/list', { verb: 'simulate', limit: 50 }, signal).then((found) => found.result.runs, () => [] as StoredRun[]),
  ]);
  return merged(jobs, stored);
}

/** Jobs and the runs that none of them made. */
export function merged(jobs: readonly Job[], stored: readonly StoredRun[]): Past[] {
  const made = new Set(jobs.map((one) => one.run));
  const own: Past[] = jobs.map((one) => ({ key: `job-${one.id}`, name: nameOf(one.request ?? {}), created: one.created, state: one.state, run: one.run }));
  const others: Past[] = stored.filter((one) => !made.has(one.id)).map((one) => ({ key: `run-${one.id}`, name: nameOfRun(one), created: one.created, state: one.complete === false ? 'cancelled' : 'done', run: one.id }));
  return [...own, ...others].sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
}

/** The curves of a job; null where they are not kept. */
export async function seriesOf(job: string, signal?: AbortSignal): Promise<Series | null> {
  return get<Series>(`/jobs/${job}/files/series.json`, signal).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    return null;
  });
}

/** The second run of a comparison. Raises ApiError where it is gone. */
export async function toldOf(key: string, signal?: AbortSignal): Promise<Told> {
  const id = key.slice(4);
  if (key.startsWith('job-')) {
    const [job, answer, series] = await Promise.all([get<Job>(`/jobs/${id}`, signal), get<Envelope>(`/jobs/${id}/result`, signal), seriesOf(id, signal)]);
    return { key, name: nameOf(job.request ?? {}), run: job.run, metrics: answer.result['metrics'], series };
  }
  const found = (await ask<StoredRun>('runs/show', { id }, signal)).result as StoredRun & { run?: StoredRun };
  const run = found.run ?? found;
  const metrics = Object.fromEntries(Object.entries(run.metrics).map(([name, one]) => [name, typeof one === 'number' ? { value: one, unit: '', low: null, high: null, basis: 'derived' } : (one as Metric)]));
  return { key, name: nameOfRun(run), run: run.id, metrics, series: null };
}

export interface Side {
  name: string;
  unit: string;
  a: Metric;
  b: Metric;
  ratio: number | null;
}

/** Metrics that both runs have, with the ratio of the second to the first. */
export function sideBySide(a: Record<string, Metric>, b: Record<string, Metric>): Side[] {
  return Object.entries(a).flatMap(([name, own]) => {
    const other = b[name];
    if (!other) return [];
    return [{ name, unit: own.unit, a: own, b: { ...other, unit: own.unit }, ratio: own.value === 0 ? null : other.value / own.value }];
  });
}

/** What of two runs' inputs differs, as texts, from `runs compare`; the command itself is left out. */
export function differences(answer: Envelope | null): { name: string; a: string; b: string }[] {
  const rows = (answer?.result['inputs'] ?? []) as { name: string; values: unknown[] }[];
  const text = (value: unknown): string => (value === null || value === undefined ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value));
  return rows.filter((row) => row.name !== 'command').map((row) => ({ name: row.name, a: text(row.values[0]), b: text(row.values[1]) }));
}
