import type { HostFlow } from '../../data/diagram/host-flow.js';
import { STRANDS } from '../../data/diagram/host-flow.js';

/** What the bands mean: their colours, as far as they are there, and their widths. */
export function Legend({ flow, isFiltered }: { readonly flow: HostFlow; readonly isFiltered: boolean }) {
  const seen = STRANDS.filter((_, kind) => [...flow.edges.values()].some(({ amounts }) => amounts[kind] > 0));
  return (
    <ul class="legend" aria-label="Legend">
      {seen.map((name) => (
        <li key={name}>
          <i style={{ background: `var(--${name})` }} />
          {name === 'answers'
            ? "the host's answers and copies"
            : (['sent', 'held', 'skipped'].includes(name) ? '' : 'to be ') + name}
        </li>
      ))}
      {isFiltered && (
        <li>
          <i class="whole" />
          all packets
        </li>
      )}
      <li>band width: square root of packets</li>
    </ul>
  );
}
