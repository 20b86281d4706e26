// Light and dark: the system's choice unless the address says otherwise.
import { route, setQuery } from './route.svelte';

export type Theme = 'light' | 'dark';

const asked = typeof matchMedia === 'undefined' ? null : matchMedia('(prefers-color-scheme: dark)');
const system: { dark: boolean } = $state({ dark: asked?.matches ?? false });
asked?.addEventListener('change', (event) => (system.dark = event.matches));

export function theme(): Theme {
  const told = route.query['theme'];
  if (told === 'light' || told === 'dark') return told;
  return system.dark ? 'dark' : 'light';
}

export function setTheme(to: Theme): void {
  setQuery({ theme: to === (system.dark ? 'dark' : 'light') ? '' : to });
}

/** Colours of drawings, in the order in which series take them; distinct for colour-blind readers (after Okabe and Ito). */
export function palette(): { ink: string; soft: string; line: string; back: string; series: string[]; good: string; bad: string; open: string } {
  return theme() === 'dark'
    ? {
        ink: '#e6edf3', soft: '#a9b4c0', line: '#3a4754', back: '#141b22',
        series: ['#56b4e9', '#f0a83a', '#35c79a', '#e58fc0', '#f0e442', '#ff8a5c', '#9aa7ff', '#c3cbd3'],
        good: '#35c79a', bad: '#ff8a5c', open: '#f0c24a',
      }
    : {
        ink: '#17222c', soft: '#55626f', line: '#d3dae1', back: '#ffffff',
        series: ['#0072b2', '#b86a00', '#00795a', '#a8447f', '#7a6f00', '#c4461b', '#4453c4', '#5b6670'],
        good: '#00795a', bad: '#b3390f', open: '#8a6100',
      };
}
