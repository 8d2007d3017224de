/** Places of the picture as filters of packets. */
import type { HookName } from '../../../core/hooks.js';
import { TABLES } from '../../../explain/report/format/places.js';
import type { Filter } from '../../selection.js';

/** FILTER for packets that came through PLACE; undefined: through any. Some places choose nothing. */
export function filterOfPlace(place: string | undefined, filter: Filter): Filter {
  const { hook: _1, table: _2, chain: _3, inDev: _4, outDev: _5, end: _6, ...rest } = filter;
  return place === undefined ? rest : { ...rest, ...partOf(place) };
}

/** Whether FILTER is about PLACE, or PLACE cannot be chosen. */
export function isChosen(place: string, filter: Filter): boolean {
  if (filter.end === place) return true;
  const part = Object.entries(partOf(place));
  return part.every(([name, value]) => filter[name as keyof Filter] === value);
}

/** The place that FILTER is about; undefined: none, or several. */
export function placeOfFilter({ end, hook, table, inDev, outDev }: Filter): string | undefined {
  if (end !== undefined) return end;
  if (hook !== undefined) return table === undefined ? hook : `${table} ${hook}`;
  // Negative numbers stand for the host, or for nothing.
  if (inDev !== undefined) return inDev < 0 ? 'host' : `in ${inDev}`;
  return outDev === undefined || outDev < 0 ? undefined : `out ${outDev}`;
}

function partOf(place: string): Filter {
  const [, room, hook] = /^(?:(\w+) )?([A-Z]+)$/.exec(place) ?? [];
  const table = TABLES.find((one) => one === room);
  if (hook !== undefined) return { hook: hook as HookName, ...(table && { table }) };
  const [, side, dev] = /^(in|out) (\d+)$/.exec(place) ?? [];
  if (side === undefined) return {};
  return side === 'in' ? { inDev: Number(dev) } : { outDev: Number(dev) };
}
