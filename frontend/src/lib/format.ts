// Numbers as a reader wants them: three digits, a prefix, the unit; intervals beside them.

const PREFIXES: [number, string][] = [
  [1e24, 'Y'], [1e21, 'Z'], [1e18, 'E'], [1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k'],
];
const SMALL: [number, string][] = [[1, ''], [1e-3, 'm'], [1e-6, 'µ'], [1e-9, 'n']];
/** Units that take a prefix, alone or before a slash ("B/s", "FLOP/s/W", "W/chip"); others are written out. */
const SCALED = new Set(['B', 'b', 'bit', 'FLOP', 'OP', 'W', 'Wh', 'J', 'Hz']);
const isScaled = (unit: string): boolean => SCALED.has(unit.split('/', 1)[0] ?? '');

// A formatter is dear to make, and there are only few different ones.
const FORMATS = new Map<number, Intl.NumberFormat>();
function formatOf(places: number): Intl.NumberFormat {
  let found = FORMATS.get(places);
  if (!found) FORMATS.set(places, (found = new Intl.NumberFormat('en-US', { minimumFractionDigits: 0, maximumFractionDigits: places })));
  return found;
}

/** A number with `digits` significant digits and separators; "–" for one that is not known. */
export function number(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return value.toExponential(digits - 1).replace('e+', 'e');
  const whole = Math.floor(Math.log10(size)) + 1;
  const places = Math.max(0, digits - whole);
  return formatOf(places).format(value);
}

/** A quantity with its unit: `quantity(0.0152, 's')` is "15.2 ms", `quantity(3.2e12, 'B/s')` "3.2 TB/s". */
export function quantity(value: number | null | undefined, unit = '', digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (unit === '' || unit === '1') return number(value, digits);
  if (unit === 's') return seconds(value, digits);
  if (unit === 'USD') return money(value, digits);
  if (unit === 'share' || unit === '%') return percent(unit === '%' ? value / 100 : value, digits);
  if (unit === 'kWh') return quantity(value * 1e3, 'Wh', digits);
  if (isScaled(unit)) {
    const size = Math.abs(value);
    const [scale, prefix] = size === 0 ? [1, ''] : (PREFIXES.find(([at]) => size >= at * 0.9995) ?? [1, '']);
    return `${number(value / scale, digits)} ${prefix}${unit}`;
  }
  const size = Math.abs(value);
  if (size >= 1e6 && size < 1e15) {
    const [scale, word] = size >= 1e12 ? [1e12, 'T'] : size >= 1e9 ? [1e9, 'B'] : [1e6, 'M'];
    return `${number(value / scale, digits)} ${word} ${unit}`;
  }
  return `${number(value, digits)} ${unit}`;
}

/** A duration: µs to years. */
export function seconds(value: number, digits = 3): string {
  const size = Math.abs(value);
  if (size >= 2 * 86400 * 365) return `${number(value / (86400 * 365.25), digits)} years`;
  if (size >= 2 * 86400) return `${number(value / 86400, digits)} d`;
  if (size >= 2 * 3600) return `${number(value / 3600, digits)} h`;
  if (size >= 120) return `${number(value / 60, digits)} min`;
  if (size === 0) return '0 s';
  const [scale, prefix] = SMALL.find(([at]) => size >= at * 0.9995) ?? [1e-9, 'n'];
  return `${number(value / scale, digits)} ${prefix}s`;
}

/** US dollars: cents below one, k/M/B above ten thousand. */
export function money(value: number, digits = 3): string {
  const size = Math.abs(value);
  const [scale, word] = size >= 1e9 ? [1e9, ' B'] : size >= 1e6 ? [1e6, ' M'] : size >= 1e4 ? [1e3, ' k'] : [1, ''];
  return `${value < 0 ? '-' : ''}$${number(size / scale, digits)}${word}`;
}

export function percent(share: number, digits = 3): string {
  return `${number(share * 100, digits)} %`;
}

/** The interval of a quantity, "12 – 15 ms"; "" where it is not known. */
export function interval(low: number | null | undefined, high: number | null | undefined, unit = ''): string {
  if (low === null || low === undefined || high === null || high === undefined) return '';
  const [first, last] = [quantity(low, unit), quantity(high, unit)];
  if (first === last) return first;
  const [firstUnit, lastUnit] = [first.replace(/^[-$\d.,e]+ ?/, ''), last.replace(/^[-$\d.,e]+ ?/, '')];
  const short = firstUnit !== '' && firstUnit === lastUnit ? first.slice(0, first.length - firstUnit.length).trim() : first;
  return `${short} – ${last}`;
}

/** "1.6×". */
export function ratio(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : `${number(value)}×`;
}

/** A day in ISO form from a Date, in UTC. */
export function isoDay(day: Date): string {
  return day.toISOString().slice(0, 10);
}
