import { useMemo } from 'preact/hooks';
import { bandPath, bandWidth, type Line, strandsOf } from '../../data/diagram/bands.js';
import { type Amounts, STRANDS, sumOf } from '../../data/diagram/host-flow.js';
import type { Layout } from '../../data/diagram/layout.js';

/** A band of the picture: what all packets make of it, and what the chosen ones do. */
export interface Band {
  readonly key: string;
  readonly line: Line;
  readonly all: Amounts;
  readonly chosen: Amounts;
  readonly isDirected: boolean;
  /** The open packet took it, or will take it. */
  readonly course: 'done' | 'ahead' | undefined;
}

/** All bands, behind everything else. MOST: how many packets the widest one stands for. */
export function BandLayer({ layout, bands, most }: { layout: Layout; bands: readonly Band[]; most: number }) {
  return (
    <svg class="bands" width={layout.width} height={layout.height} aria-hidden="true">
      {bands.map((band) => (
        <BandShape key={band.key} band={band} most={most} />
      ))}
    </svg>
  );
}

function BandShape({ band, most }: { band: Band; most: number }) {
  const { line, all, chosen, course } = band;
  const width = bandWidth(sumOf(all), most);
  const strands = useMemo(() => strandsOf(chosen, bandWidth(sumOf(chosen), most)), [chosen, most]);
  return (
    <g>
      {width === 0 ? <path class="empty" d={centre(line)} /> : <path class="whole" d={bandPath(line, 0, width)} />}
      {strands.map(({ kind, offset, width }) => (
        <path key={kind} class={`strand ${STRANDS[kind]}`} d={bandPath(line, offset, width)} />
      ))}
      {band.isDirected && <path class={`arrow${width < 9 ? '' : ' inside'}`} d={arrow(line, width)} />}
      {course && <path class={`course ${course}`} d={centre(line)} />}
    </g>
  );
}

/** Where it leads, in the middle of it: within a wide one, across a narrow one. */
function arrow({ from, to, axis }: Line, width: number): string {
  const [x, y] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  const half = width < 9 ? 5 : Math.min(5, width / 2 - 2);
  const deep = axis === 'x' ? Math.sign(to.x - from.x) * half * 0.6 : Math.sign(to.y - from.y) * half * 0.6;
  return axis === 'x'
    ? `M${x - deep} ${y - half}L${x + deep} ${y}L${x - deep} ${y + half}`
    : `M${x - half} ${y - deep}L${x} ${y + deep}L${x + half} ${y - deep}`;
}

function centre({ from, to, axis }: Line): string {
  const middle = axis === 'x' ? (from.x + to.x) / 2 : (from.y + to.y) / 2;
  const [first, second] =
    axis === 'x' ? [`${middle} ${from.y}`, `${middle} ${to.y}`] : [`${from.x} ${middle}`, `${to.x} ${middle}`];
  return `M${from.x} ${from.y}C${first} ${second} ${to.x} ${to.y}`;
}
