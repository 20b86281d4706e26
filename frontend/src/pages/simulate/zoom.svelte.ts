// The stretch of time that a chart shows. It is set by buttons, which draw the chart anew, or told by the chart, which does not.

export class Zoom {
  shown: [number, number] = $state([0, 1]);
  /** Changes when the chart must be drawn with another stretch. */
  drawn = $state(0);
  private later: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly keep: (stretch: [number, number]) => void,
    private readonly rest = 250,
  ) {}

  /** Another run, or another address: nothing is kept. */
  begin(stretch: [number, number]): void {
    this.shown = stretch;
    this.drawn += 1;
  }

  set(stretch: [number, number]): void {
    this.begin(stretch);
    this.keep(stretch);
  }

  /** What the chart says of a wheel or its bar: shares of the whole, in percent. */
  told(event: { start?: number; end?: number; batch?: { start?: number; end?: number }[] }, end: number): void {
    const said = event.batch?.[0] ?? event;
    if (said.start === undefined || said.end === undefined) return;
    this.shown = [(said.start / 100) * end, (said.end / 100) * end];
    clearTimeout(this.later);
    this.later = setTimeout(() => this.keep(this.shown), this.rest);
  }

  stop(): void {
    clearTimeout(this.later);
  }
}
