// Asks while a slider moves and once it is let go; the latest question wins, an older one under way is taken back.
import type { Body } from '../../lib/api';

export interface Told<A> {
  answer: (found: A, asked: string) => void | Promise<void>;
  error: (problem: unknown) => void;
  busy: (whether: boolean) => void;
}

export class Replanner<A> {
  private under: { text: string; stop: AbortController; since: number[] } | null = null;
  private next: Body | null = null;
  private shown = '';

  constructor(
    private readonly ask: (body: Body, signal: AbortSignal) => Promise<A>,
    private readonly told: Told<A>,
    private readonly painted: (since: number) => void = () => {},
  ) {}

  /** A slider is under way: ask as soon as the question before is answered; those in between are passed over. */
  slide(body: Body): void {
    const text = JSON.stringify(body);
    if (!this.under) {
      if (text !== this.shown) void this.start(body, text, []);
    } else this.next = text === this.under.text ? null : body;
  }

  /** It was let go, or something was typed, at `since`: ask at once. */
  release(body: Body, since: number): void {
    const text = JSON.stringify(body);
    this.next = null;
    if (this.under?.text === text) this.under.since.push(since);
    else if (!this.under && text === this.shown) this.painted(since);
    else void this.start(body, text, [since]);
  }

  /** Take back what is under way. */
  stop(): void {
    this.under?.stop.abort();
    this.under = this.next = null;
  }

  private async start(body: Body, text: string, since: number[]): Promise<void> {
    this.under?.stop.abort();
    const mine = { text, stop: new AbortController(), since };
    this.under = mine;
    this.told.busy(true);
    try {
      const found = await this.ask(body, mine.stop.signal);
      if (this.under !== mine) return;
      this.shown = text;
      await this.told.answer(found, text);
      for (const one of mine.since) this.painted(one);
    } catch (problem) {
      if (this.under !== mine) return;
      this.shown = '';
      this.told.error(problem);
    }
    if (this.under !== mine) return;
    this.under = null;
    const waiting = this.next;
    this.next = null;
    if (waiting) this.slide(waiting);
    if (!this.under) this.told.busy(false);
  }
}

/** Once what was changed has been painted: a measure `accord-replan` from `since` to now. */
export function measured(since: number, detail: Record<string, unknown>): void {
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      performance.measure('accord-replan', { start: since, end: performance.now(), detail });
      channel.port1.close();
    };
    channel.port2.postMessage(0);
  });
}
