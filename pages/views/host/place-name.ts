import type { HostPicture } from '../../../explain/report/format/host-picture.js';

const NAMES: Readonly<Record<string, string>> = {
  link: 'Before the first hook',
  routing: 'Routing decision',
  'own routing': "Routing of the host's own packets",
  host: 'This host',
  egress: 'On the way out',
};

/** PLACE in words; interfaces by their names. */
export function placeName(place: string, { interfaces }: HostPicture): string {
  const [, side, devs] = /^(in|out) ([\d,]+)$/.exec(place) ?? [];
  if (side === undefined) return NAMES[place] ?? place;
  const all = devs.split(',').map((dev) => interfaces[Number(dev)]?.name);
  return `${side === 'in' ? 'Arrived' : 'Left'} by ${all.length > 1 ? `${all.length} interfaces` : all[0]}`;
}
