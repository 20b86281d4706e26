// The picture of the board: candidates pale, the front over feasible ones with its band and whiskers.
import type { EChartsCoreOption } from 'echarts/core';
import { interval, number } from '../../lib/format';
import { layoutOf, setupOf, type Board, type Plan, type Point } from './question';

export const SYMBOLS = ['circle', 'diamond', 'triangle', 'rect'] as const;

export interface Look {
  axes: string;
  x: string;
  y: string;
  unitX: string;
  unitY: string;
  chips: string;
  front: string;
  /** The best plan, which may lie off the front. */
  best: string;
  /** Requests a device. */
  requests: string;
  infeasible: string;
  band: string;
  colors: readonly string[];
  ink: string;
  soft: string;
  back: string;
  chosen: number;
}

/** Positive ends of a range over all that is drawn, a little wider. */
export function endsOf(values: readonly number[]): [number, number] {
  const good = values.filter((value) => value > 0 && Number.isFinite(value));
  if (!good.length) return [1, 10];
  let [low, high] = [Infinity, 0];
  for (const value of good) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low / 1.15, high * 1.15];
}

/** Marks 1-2-5 inside a range. */
export function marksOf(low: number, high: number): number[] {
  const marks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const one of [1, 2, 5]) {
      const mark = Number((one * 10 ** power).toPrecision(3));
      if (mark >= low && mark <= high) marks.push(mark);
    }
  }
  const few = marks.length > 9 ? marks.filter((mark) => /^[1](0*)$|^0\.0*1$/.test(String(mark))) : marks;
  return few.length >= 2 ? few : marks;
}

/** A number for an axis: 20,000 is "20 k". */
export function short(value: number): string {
  const [scale, prefix] = value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e4 ? [1e3, ' k'] : [1, ''];
  return number(value / scale, 2) + prefix;
}

export function told(point: Point, look: Look): string {
  const line = (label: string, value: number, low: number | null, high: number | null, unit: string) => {
    const band = interval(low, high);
    return `${label}: ${number(value)} ${unit}${band ? ` (${band})` : ''}`;
  };
  const { engine, formats, batch } = setupOf(point.plan);
  return [
    point.system, point.layout, [engine, formats, batch && `${look.requests}: ${batch}`].filter(Boolean).join(', '), line(look.x, point.x, point.x_low, point.x_high, look.unitX),
    line(look.y, point.y, point.y_low, point.y_high, look.unitY), `${look.chips}: ${number(point.chips, 6)}`,
  ].join('\n');
}

const STAR = 'path://M12 1l3.2 7.2 7.8.8-5.9 5.2 1.7 7.7L12 17.9 5.2 21.9l1.7-7.7L1 9l7.8-.8z';

/** Where the best plan lies in the picture; null where its cost is not known. */
export function bestAt(plan: Plan, unitY: string): [number, number] | null {
  const of = (name: string) => plan.metrics[name]?.value;
  const [x, usd] = [of('output_token_per_s_per_user'), of('usd_per_million_output_tokens')];
  const y = unitY === 'tok/USD' ? usd && 1e6 / usd : of('output_token_per_s_per_chip');
  return x && y ? [x, y] : null;
}

function bestTold(plan: Plan, at: [number, number], look: Look): string {
  const speed = plan.metrics['output_token_per_s_per_user'];
  const said = interval(speed?.low ?? null, speed?.high ?? null);
  const pools = plan.pools.map((pool) => `${pool.instances} × ${layoutOf(pool)}`).join(' + ');
  return [look.best, plan.holdings.map((one) => one.system).join(', '), pools, `${look.x}: ${number(at[0])} ${look.unitX}${said ? ` (${said})` : ''}`, `${look.y}: ${number(at[1])} ${look.unitY}`].join('\n');
}

export function boardOption(board: Board, look: Look): EChartsCoreOption {
  const { front, points, systems } = board;
  const at = (id: string) => Math.max(0, systems.indexOf(id));
  const drawn = new Set([...points.system, ...front.map((one) => at(one.system))]);
  const log = look.axes === 'log';
  const best = board.best && bestAt(board.best, look.unitY);
  const x = endsOf([...points.x, ...(best ? [best[0]] : []), ...front.flatMap((one) => [one.x_low ?? one.x, one.x_high ?? one.x])]);
  const y = endsOf([...points.y, ...(best ? [best[1]] : []), ...front.flatMap((one) => [one.y_low ?? one.y, one.y_high ?? one.y])]);
  // A log axis over candidates that hardly do anything would leave no room for the front.
  if (log && front.length) y[0] = Math.max(y[0], Math.min(best ? best[1] : Infinity, ...front.map((one) => one.y_low ?? one.y)) / 30);
  const axis = (ends: [number, number], name: string) => ({
    type: log ? 'log' : 'value', name, min: log ? ends[0] : 0, max: ends[1], splitLine: { show: true }, minorTick: { show: false },
    axisLabel: { formatter: short, hideOverlap: true, ...(log ? { customValues: marksOf(...ends) } : {}) },
    axisTick: log ? { customValues: marksOf(...ends) } : {},
  });
  return {
    animation: false,
    grid: { left: 34, right: 20, top: 36, bottom: 30, containLabel: true },
    legend: { top: 0, data: [...systems.flatMap((name, place) => (drawn.has(place) ? [{ name, icon: SYMBOLS[place] }] : [])), ...(best ? [{ name: look.best, icon: STAR }] : [])] },
    tooltip: { trigger: 'item', formatter: (event: any) => (event.data?.point ? told(event.data.point, look) : event.data?.best ? bestTold(event.data.best, best as [number, number], look) : '') },
    xAxis: { ...axis(x, `${look.x} [${look.unitX}]`), nameLocation: 'middle', nameGap: 28 },
    yAxis: { ...axis(y, `${look.y} [${look.unitY}]`), nameLocation: 'middle', nameGap: 48 },
    // The legend takes its colours from the first series of a name.
    series: [
      { type: 'line', name: look.front, data: front.map((one) => [one.x, one.y]), symbol: 'none', silent: true, lineStyle: { color: look.ink, width: 1.5 }, z: 4 },
      ...systems.map((name, place) => ({
        type: 'scatter', name, symbol: SYMBOLS[place], color: look.colors[place], z: 6, cursor: 'pointer',
        data: front.flatMap((point, index) =>
          at(point.system) === place
            ? [{ value: [point.x, point.y], point, index, symbolSize: index === look.chosen ? 16 : 10, itemStyle: { borderColor: look.ink, borderWidth: index === look.chosen ? 2.5 : 0.5 } }]
            : [],
        ),
      })),
      ...(best ? [{ type: 'scatter', name: look.best, symbol: STAR, symbolSize: 21, color: look.ink, z: 5, cursor: 'pointer', data: [{ value: best, best: board.best, itemStyle: { color: look.ink, borderColor: look.back, borderWidth: 1.5 } }] }] : []),
      ...systems.flatMap((name, place) => [false, true].flatMap((feasible) => cloud(board, name, place, feasible, look))),
      band(front, look), whiskers(front, look, at),
    ],
  };
}

/** Candidates of one system in one path, so that thousands of them cost no more than one mark. */
function cloud(board: Board, name: string, place: number, feasible: boolean, look: Look): unknown[] {
  const { x, y, system } = board.points;
  const data: [number, number][] = [];
  for (let index = 0; index < x.length; index += 1) {
    if (system[index] === place && Boolean(board.points.feasible[index]) === feasible) data.push([x[index] as number, y[index] as number]);
  }
  if (!data.length) return []; // a path of no marks cannot be drawn
  return [{
    type: 'scatter', name, data, symbol: 'rect', symbolSize: 3, large: true, largeThreshold: 0, silent: true, z: feasible ? 2 : 1,
    itemStyle: { color: feasible ? look.colors[place] : look.soft, opacity: feasible ? 0.45 : 0.14 },
  }];
}

/** The band of the front: between the lower and the upper ends of its points. */
function band(front: readonly Point[], look: Look): unknown {
  const whole = front.filter((one) => one.y_low !== null && one.y_high !== null);
  return {
    type: 'custom', name: look.band, silent: true, z: 3, data: whole.length > 1 ? [[whole[0]?.x, whole[0]?.y]] : [], clip: true,
    renderItem: (_: unknown, api: any) => ({
      type: 'polygon',
      shape: { points: [...whole.map((one) => api.coord([one.x, one.y_high])), ...[...whole].reverse().map((one) => api.coord([one.x, one.y_low]))] },
      style: { fill: look.ink, opacity: 0.08 },
    }),
  };
}

/** Both intervals of each point of the front, in one path a system; of the chosen one in ink. */
function whiskers(front: readonly Point[], look: Look, at: (id: string) => number): unknown {
  const groups = look.colors.map((color, place) => ({ color, width: 1, opacity: 0.35, points: front.filter((one, index) => index !== look.chosen && at(one.system) === place) }));
  const chosen = front[look.chosen];
  const all = [...groups, { color: look.ink, width: 2, opacity: 1, points: chosen ? [chosen] : [] }].filter((one) => one.points.length);
  return {
    type: 'custom', name: look.band, silent: true, z: 5, clip: true, data: all.map((_, index) => [all[index]?.points[0]?.x, all[index]?.points[0]?.y]),
    renderItem: (item: { dataIndex: number }, api: any) => {
      const group = all[item.dataIndex];
      if (!group) return null;
      const line = (from: [number, number], to: [number, number]) => {
        const [[x1, y1], [x2, y2]] = [api.coord(from), api.coord(to)] as [[number, number], [number, number]];
        return `M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}`;
      };
      const pathData = group.points.map((one) => line([one.x_low ?? one.x, one.y], [one.x_high ?? one.x, one.y]) + line([one.x, one.y_low ?? one.y], [one.x, one.y_high ?? one.y])).join('');
      return { type: 'path', shape: { pathData }, style: { stroke: group.color, fill: 'none', lineWidth: group.width, opacity: group.opacity } };
    },
  };
}
