import { bandWidth } from '../../data/diagram/bands.js';
import { sumOf } from '../../data/diagram/host-flow.js';
import { grouped } from '../../words/numbers.js';
import type { Band } from './band-layer.js';

/** How many packets the bands between boxes stand for; those of interfaces stand on their cards. */
export function BandLabels({ bands, most }: { bands: readonly Band[]; most: number }) {
  return (
    <>
      {bands.map(({ key, line, all, chosen, isDirected }) => {
        const packets = sumOf(chosen);
        if (!isDirected || sumOf(all) === 0) return null;
        const half = bandWidth(sumOf(all), most) / 2;
        const middle = { x: (line.from.x + line.to.x) / 2, y: (line.from.y + line.to.y) / 2 };
        const [x, y] = line.axis === 'x' ? [middle.x, middle.y - half - 2] : [middle.x + half + 5, middle.y];
        return (
          <span
            key={key}
            class={`label ${line.axis}`}
            style={{ left: `${x}px`, top: `${y}px` }}
            title={grouped(packets)}
            aria-hidden="true"
          >
            {brief(packets)}
          </span>
        );
      })}
    </>
  );
}

/** Numbers of up to six digits as they are, others as `12.3 M`. */
function brief(packets: number): string {
  return packets < 1e6 ? grouped(packets) : `${(packets / 1e6).toPrecision(3)} M`;
}
