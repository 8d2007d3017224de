import { bandWidth, type Line, strandBox, strandsOf } from '../../data/diagram/bands.js';
import { type Amounts, STRANDS, sumOf } from '../../data/diagram/host-flow.js';
import type { Layout } from '../../data/diagram/layout.js';

/** A band of the picture: what all packets make of it, and what the chosen ones do. */
export interface Band {
  readonly key: string;
  readonly line: Line;
  readonly all: Amounts;
  readonly chosen: Amounts;
  readonly isDirected?: boolean;
  /** The open packet took it, or will take it. */
  readonly course: 'done' | 'ahead' | undefined;
}

/** All bands, behind everything else. MOST: how many packets the widest one stands for. */
export function BandLayer({ layout, bands, most }: { layout: Layout; bands: readonly Band[]; most: number }) {
  return (
    <svg class="bands" width={layout.width} height={layout.height} aria-hidden="true">
      {bands.map(({ key, line, all, chosen, course, isDirected }) => {
        const width = bandWidth(sumOf(all), most);
        const middle = `M${line.from.x} ${line.from.y}L${line.to.x} ${line.to.y}`;
        return (
          <g key={key}>
            {width === 0 ? <path class="empty" d={middle} /> : <rect class="whole" {...strandBox(line, 0, width)} />}
            {strandsOf(chosen, bandWidth(sumOf(chosen), most)).map((strand) => (
              <rect
                key={strand.kind}
                class="strand"
                style={{ fill: `var(--${STRANDS[strand.kind]})` }}
                {...strandBox(line, strand.offset, strand.width)}
              />
            ))}
            {isDirected && <path class={`arrow${width < 9 ? '' : ' inside'}`} d={arrow(line, width)} />}
            {course && <path class={`course ${course}`} d={middle} />}
          </g>
        );
      })}
    </svg>
  );
}

/** Where it leads, in the middle of it: within a wide one, across a narrow one. */
function arrow({ from, to, axis }: Line, width: number): string {
  const [x, y] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  const half = width < 9 ? 5 : Math.min(5, width / 2 - 2);
  const deep = half * 0.6 * Math.sign(axis === 'x' ? to.x - from.x : to.y - from.y);
  return axis === 'x'
    ? `M${x - deep} ${y - half}l${2 * deep} ${half}l${-2 * deep} ${half}`
    : `M${x - half} ${y - deep}l${half} ${2 * deep}l${half} ${-2 * deep}`;
}
