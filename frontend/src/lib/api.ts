// Questions to the HTTP API. A verb's answer is the envelope that the command prints with --json.

export interface Source {
  id: string;
  title?: string;
  publisher?: string;
  date?: string;
  url?: string | null;
  locator?: string | null;
  [more: string]: unknown;
}

export interface Envelope<R = Record<string, any>> {
  schema: string;
  accord: string;
  catalog: string;
  inputs: Record<string, any>;
  result: R;
  sources: Source[];
  warnings: string[];
}

export interface Metric {
  value: number;
  unit: string;
  low: number | null;
  high: number | null;
  basis: string;
}

export type Body = Record<string, unknown>;

export interface Upload {
  name: string;
  text?: string;
  base64?: string;
}

export interface Job {
  id: string;
  verb: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted';
  created: string;
  started: string | null;
  ended: string | null;
  progress: { done: number; total: number; text: string } | null;
  error: Told | null;
  run: string | null;
  request?: Body;
  resumes: number;
}

interface Told {
  what: string;
  where?: string | null;
  hint?: string | null;
  exit_code?: number;
}

/** A question that was refused, in the words of the server: what, where, and how to mend it. */
export class ApiError extends Error {
  constructor(
    readonly told: Told,
    readonly status: number,
  ) {
    super(told.what);
  }
}

const BASE = '/api/v1';
let token = '';

/** The token of a server that asks for one; kept in memory alone. */
export function setToken(to: string): void {
  token = to;
}

async function call(path: string, init: RequestInit): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (init.body !== undefined) headers['Content-Type'] = 'application/json';
  if (token) headers['Authorization'] = `Bearer ${token}`;
  let response: Response;
  try {
    response = await fetch(BASE + path, { ...init, headers: { ...headers, ...init.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError({ what: 'the server does not answer', hint: "start it again with 'accord web'" }, 0);
  }
  if (response.ok) return response;
  const answer = (await response.json().catch(() => null)) as { error?: Told } | null;
  throw new ApiError(answer?.error ?? { what: `the server answered ${response.status}` }, response.status);
}

/** GET an address below the API's root as JSON. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call(path, signal ? { signal } : {})).json() as Promise<T>;
}

/** GET as text, for files of a job. */
export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  return (await call(path, signal ? { signal } : {})).text();
}

/** GET as it is, for files to be saved. */
export async function getBlob(path: string, signal?: AbortSignal): Promise<Blob> {
  return (await call(path, signal ? { signal } : {})).blob();
}

async function post(path: string, body: Body, signal?: AbortSignal): Promise<Response> {
  return call(path, { method: 'POST', body: JSON.stringify(body), ...(signal ? { signal } : {}) });
}

/** Ask a quick verb, such as `ask('policy/classify', {id: 'nvidia-h20'})`. Empty fields are left out. */
export async function ask<R = Record<string, any>>(verb: string, body: Body, signal?: AbortSignal): Promise<Envelope<R>> {
  return (await post(`/${verb}`, stated(body), signal)).json() as Promise<Envelope<R>>;
}

/** Ask a quick verb with all fields as they are: `false` is said where a flag is on by default, such as `prices`. */
export async function askWhole<R = Record<string, any>>(verb: string, body: Body, signal?: AbortSignal): Promise<Envelope<R>> {
  return (await post(`/${verb}`, body, signal)).json() as Promise<Envelope<R>>;
}

/** The fields that say something: not null, undefined, "", false or an empty list. */
export function stated(body: Body): Body {
  return Object.fromEntries(
    Object.entries(body).filter(
      ([, value]) =>
        value !== null && value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** Start a long verb; the job as it stands. */
export async function start(verb: string, body: Body, signal?: AbortSignal): Promise<Job> {
  return (await post(`/${verb}`, stated(body), signal)).json() as Promise<Job>;
}

/** Start a long verb with all fields as they are: `false` is said where a flag is on by default. */
export async function startWhole(verb: string, body: Body, signal?: AbortSignal): Promise<Job> {
  return (await post(`/${verb}`, body, signal)).json() as Promise<Job>;
}

export async function cancel(id: string): Promise<void> {
  await post(`/jobs/${id}/cancel`, {});
}

export async function resume(id: string): Promise<Job> {
  return (await post(`/jobs/${id}/resume`, {})).json() as Promise<Job>;
}

const ENDED = new Set(['done', 'failed', 'cancelled', 'interrupted']);

/** Follow a job by server-sent events until it ends; `told` hears of each change. A stream that breaks is taken up again. */
export async function follow(id: string, told: (job: Job) => void, signal?: AbortSignal): Promise<Job> {
  for (let tries = 0; ; tries += 1) {
    try {
      for await (const job of events(id, signal)) {
        tries = 0;
        told(job);
        if (ENDED.has(job.state)) return job;
      }
    } catch (error) {
      if (signal?.aborted || (error instanceof ApiError && error.status >= 400 && error.status !== 429)) throw error;
    }
    if (tries >= 5) throw new ApiError({ what: 'the progress of the job cannot be read', hint: 'reload the page' }, 0);
    await new Promise((done) => setTimeout(done, 500 * (tries + 1)));
  }
}

async function* events(id: string, signal?: AbortSignal): AsyncGenerator<Job> {
  const response = await call(`/jobs/${id}/events`, { headers: { Accept: 'text/event-stream' }, ...(signal ? { signal } : {}) });
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split(/\r?\n\r?\n/);
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const data = eventData(part);
      if (data) yield JSON.parse(data) as Job;
    }
  }
}

/** The data of one server-sent event; "" for a comment. */
export function eventData(text: string): string {
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n');
}

/** Ask a verb that answers at once or starts a job, as the question has it; the answer either way. */
export async function obtain<R = Record<string, any>>(
  verb: string,
  body: Body,
  told: (job: Job) => void,
  signal?: AbortSignal,
): Promise<Envelope<R>> {
  const response = await post(`/${verb}`, stated(body), signal);
  if (response.status !== 202) return response.json() as Promise<Envelope<R>>;
  const job = (await response.json()) as Job;
  told(job);
  return resultOf<R>(job.id, told, signal);
}

/** Run a long verb to its end and give its answer. Raises ApiError for a job that failed or was cancelled. */
export async function run<R = Record<string, any>>(
  verb: string,
  body: Body,
  told: (job: Job) => void,
  signal?: AbortSignal,
): Promise<{ job: Job; answer: Envelope<R> }> {
  const job = await start(verb, body, signal);
  told(job);
  return { job, answer: await resultOf<R>(job.id, told, signal) };
}

/** The answer of a job, once it has ended. */
export async function resultOf<R = Record<string, any>>(id: string, told: (job: Job) => void, signal?: AbortSignal): Promise<Envelope<R>> {
  const ended = await follow(id, told, signal);
  if (ended.state !== 'done') throw new ApiError(ended.error ?? { what: `the job is ${ended.state}` }, 409);
  return get<Envelope<R>>(`/jobs/${id}/result`, signal);
}

const MOST_NAME = { plain: 100, wide: 60 }; // characters; those beyond ASCII take several bytes

/** A file's name as the API takes it: "_" for what a name may not hold, no longer than allowed, its ending kept. */
export function sentName(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}_ .()+@-]+/gu, '_').replace(/^[^\p{L}\p{N}_]+|[^\p{L}\p{N}_)]+$/gu, '');
  const most = /^[ -~]*$/.test(plain) ? MOST_NAME.plain : MOST_NAME.wide;
  const letters = [...plain];
  if (letters.length <= most) return plain || 'file';
  const ending = /(?:\.[A-Za-z0-9]{1,8}){1,2}$/.exec(plain)?.[0] ?? '';
  return letters.slice(0, most - ending.length).join('') + ending;
}

/** A file that the reader chose, as the API takes it; compressed ones as base64. */
export async function uploadOf(file: File): Promise<Upload> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const name = sentName(file.name);
  if (!/\.(gz|zst|parquet)$/.test(file.name)) return { name, text: new TextDecoder().decode(bytes) };
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return { name, base64: btoa(binary) };
}
