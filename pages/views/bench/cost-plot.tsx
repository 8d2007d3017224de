import type { Spread } from '../../../replay/bench-result.js';
import { counted, grouped } from '../../words/numbers.js';
import { nanoseconds, ticksTo } from './measurements.js';

export interface PlotPoint {
  /** How many rules, or connections. */
  readonly at: number;
  readonly label: string;
  /** Those of one group are alike in all else, so a line connects them. */
  readonly group: string;
  readonly cost: Spread;
  /** Without rules outside nat. */
  readonly host: Spread;
}

const HEIGHT = 280;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 16, 12, 40];
const LINES = [
  ['host', 'with table nat only'],
  ['cost', 'with all rules'],
] as const;

/** Cost per packet against what AXIS counts, on a logarithmic scale, with the spread of the runs. */
export function CostPlot(props: {
  readonly points: readonly PlotPoint[];
  readonly axis: string;
  readonly width: number;
}) {
  const { points, axis, width } = props;
  const [low, high] = [points[0].at, points[points.length - 1].at].map(Math.log10);
  const most = Math.max(...points.flatMap(({ cost, host }) => [cost.max, host.max]));
  const groups = [...new Set(points.map(({ group }) => group))];
  const ticks = ticksTo(most, 5);
  const inner = width - LEFT - RIGHT;
  const x = (at: number) => LEFT + 14 + ((Math.log10(at) - low) / (high - low)) * (inner - 28);
  const y = (ns: number) => TOP + (1 - ns / ticks[ticks.length - 1]) * (HEIGHT - TOP - BOTTOM);
  return (
    <figure class="bench-figure">
      <figcaption class="bench-legend">
        {LINES.map(([line, words]) => (
          <span key={line}>
            <i class={`swatch ${line}`} /> {words}
          </span>
        ))}
        <span>
          <i class="swatch spread" /> fastest to slowest run
        </span>
      </figcaption>
      <svg width={width} height={HEIGHT} role="img" aria-label={`Nanoseconds per packet by ${axis}`}>
        {ticks.map((tick) => (
          <g key={tick} class="tick">
            <line x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
              {nanoseconds(tick)}
            </text>
          </g>
        ))}
        {namedValues(points, x).map((at) => (
          <text key={at} class="axis" x={x(at)} y={HEIGHT - BOTTOM + 18} text-anchor="middle">
            {grouped(at)}
          </text>
        ))}
        <text class="axis" x={LEFT + inner / 2} y={HEIGHT - 4} text-anchor="middle">
          {axis}
        </text>
        {LINES.map(([line]) => (
          <g key={line} class={`line-${line}`}>
            {groups.map((group) => (
              <polyline
                key={group}
                points={points
                  .filter((point) => point.group === group)
                  .map((point) => `${x(point.at)},${y(point[line].median)}`)
                  .join(' ')}
              />
            ))}
            {points.map((point) => {
              const { median, min, max } = point[line];
              return (
                <g key={point.label}>
                  <path class="spread" d={`M${x(point.at) - 4} ${y(min)}h8m-4 0V${y(max)}m-4 0h8`} />
                  <circle cx={x(point.at)} cy={y(median)} r="4">
                    <title>
                      {point.label}: {counted(point.at, axis.split(' ')[0].replace(/s$/, ''))}, {nanoseconds(median)} ns
                      ({nanoseconds(min)} … {nanoseconds(max)})
                    </title>
                  </circle>
                </g>
              );
            })}
          </g>
        ))}
      </svg>
    </figure>
  );
}

/** The values on the axis that have room for their numbers. */
function namedValues(points: readonly PlotPoint[], x: (at: number) => number): number[] {
  const named: number[] = [];
  for (const { at } of points) {
    const before = named.at(-1);
    if (before === undefined || x(at) - x(before) > 60) named.push(at);
  }
  return named;
}
