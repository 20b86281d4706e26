// How long a run has to be: requests fill a deployment for about as long as an answer takes, and empty it for as long.
import type { Body, Envelope, Metric } from '../../lib/api';

const ANSWERS = 3; // length of a run in answers' time, of which ...
const LEFT_OUT = 1.25; // ... the beginning is left out
const FEWEST_ANSWERS = 2;
const FEW = 300; // requests, below which shares of them say little
const MOST = 60_000; // requests that the page asks for by itself
const BOUNDED = 20_000; // up to so many the run is repeated at both ends of the step times' interval unless told otherwise
const SHORT = 3; // arrivals for less than so many answers' time are a run that fills and empties

/** Fields of the form that say how long a run is. */
export interface Length {
  requests: string;
  duration: string;
  warm_up: string;
  bounds: '' | 'on';
}

/** A time [s] rounded up to two digits, as the form has it: "150s". */
function secondsText(value: number): string {
  const step = 10 ** (Math.floor(Math.log10(Math.max(value, 0.01))) - 1);
  return `${Number((Math.ceil(value / step - 1e-9) * step).toPrecision(2))}s`;
}

/** A run at a rate [request/s] whose answers take so long [s]: long enough to see what the deployment does once it is full. */
export function steady(rate: number, answer_s: number): Length {
  if (!(rate > 0 && answer_s > 0)) return { requests: String(FEW), duration: '', warm_up: '', bounds: '' };
  const answers = Math.max(FEWEST_ANSWERS, Math.min(ANSWERS, MOST / (rate * answer_s)));
  const warm = (LEFT_OUT / ANSWERS) * answers * answer_s;
  const time = Math.max(answers * answer_s, FEW / rate + warm);
  return { requests: '', duration: secondsText(time), warm_up: secondsText(warm), bounds: rate * time > BOUNDED ? 'on' : '' };
}

export interface Lacking {
  /** `short`: the run is mostly filling and emptying; `late`: fewer requests came than were asked. */
  kind: 'short' | 'late';
  arrivals_s: number;
  answer_s: number;
  asked: number;
  offered: number;
  /** A run that is long enough; null where none is known. */
  longer: Length | null;
}

/** What a run is too short for, from its request and answer; null where nothing is known to lack, and for closed loops. */
export function lacking(request: Body, answer: Envelope): Lacking | null {
  const metrics = answer.result['metrics'] as Record<string, Metric | undefined>;
  const value = (name: string): number => metrics[name]?.value ?? NaN;
  if (request['concurrency'] !== undefined || String(request['arrivals'] ?? '').startsWith('at-once')) return null;
  const [offered, answer_s, warm] = [value('offered_request_per_s'), value('e2e_mean_s'), Number(answer.result['warm_up_s'] ?? 0)];
  const asked = request['find_rate'] ? NaN : Number(request['rate'] ?? NaN);
  const arrivals_s = Math.min(value('requests') / offered, value('makespan_s'));
  const told = { arrivals_s, answer_s, asked, offered };
  if (offered < 0.8 * asked) return { kind: 'late', ...told, longer: advised(answer.warnings) };
  const full = warm >= 0.5 * answer_s && value('window_s') >= answer_s;
  if (!(arrivals_s < SHORT * answer_s) || full || request['trace']) return null;
  return { kind: 'short', ...told, longer: steady(offered, answer_s) };
}

/** The length that a note of the answer advises, "give --warm-up 5min --duration 13min or longer". */
export function advised(notes: readonly string[]): Length | null {
  for (const note of notes) {
    const found = /--warm-up (\S+) --duration (\S+)/.exec(note);
    if (found) return { requests: '', duration: found[2] ?? '', warm_up: found[1] ?? '', bounds: '' };
  }
  return null;
}
