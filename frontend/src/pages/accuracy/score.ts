// Held-out predictions as rows, and what they come to.

export interface Group {
  id: string;
  ways: string[];
  rows: number;
  skipped: number;
  sources: { id: string; title: string }[];
  metrics: string[];
  row: string[];
  source: number[];
  metric: number[];
  measured: number[];
  predicted: Record<string, { predicted: number[]; low: number[]; high: number[] }>;
}
export interface Accuracy {
  level: number;
  groups: Group[];
}
export interface Scored {
  id: string;
  source: string;
  metric: string;
  measured: number;
  predicted: number;
  low: number;
  high: number;
  ratio: number;
  inside: boolean;
}
export interface Score {
  source: string;
  title: string;
  rows: number;
  medianPct: number;
  biasPct: number;
  coverage: number;
  width: number;
}

/** Rows of a group under one way of leaving out, of one metric and source unless these are "". */
export function rowsOf(group: Group, way: string, metric = '', source = ''): Scored[] {
  const predicted = group.predicted[way];
  if (!predicted) return [];
  const rows = group.row.map((id, at): Scored => {
    const [value, measured] = [predicted.predicted[at] as number, group.measured[at] as number];
    const [low, high] = [predicted.low[at] as number, predicted.high[at] as number];
    return {
      id, measured, predicted: value, low, high, ratio: value / measured, inside: low <= measured && measured <= high,
      source: group.sources[group.source[at] as number]?.id ?? '', metric: group.metrics[group.metric[at] as number] ?? '',
    };
  });
  return rows.filter((row) => (metric === '' || row.metric === metric) && (source === '' || row.source === source));
}

export function median(values: readonly number[]): number {
  if (!values.length) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

const asPct = (log: number) => 100 * (Math.exp(log) - 1);
const medianLog = (rows: readonly Scored[]) => median(rows.map((row) => Math.abs(Math.log(row.ratio))));

/** What the rows of each source come to, most rows first. */
export function bySource(rows: readonly Scored[], sources: readonly { id: string; title: string }[]): Score[] {
  return sources
    .flatMap(({ id, title }): Score[] => {
      const own = rows.filter((row) => row.source === id);
      if (!own.length) return [];
      return [{
        source: id, title, rows: own.length, medianPct: asPct(medianLog(own)), biasPct: asPct(median(own.map((row) => Math.log(row.ratio)))),
        coverage: own.filter((row) => row.inside).length / own.length, width: median(own.map((row) => row.high / row.low)),
      }];
    })
    .sort((a, b) => b.rows - a.rows);
}

/** 100 (exp(mean over sources of the median |ln(predicted/measured)|) - 1). */
export function macroPct(rows: readonly Scored[]): number {
  const ids = [...new Set(rows.map((row) => row.source))];
  const logs = ids.map((id) => medianLog(rows.filter((row) => row.source === id)));
  return asPct(logs.reduce((sum, one) => sum + one, 0) / logs.length);
}
