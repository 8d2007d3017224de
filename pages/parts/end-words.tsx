import type { End } from '../words/ends.js';

/** One end of a packet: `web (172.18.0.2):80`, the name first if it has one. */
export function EndWords({ end }: { readonly end: End }) {
  const port = end.port === undefined ? '' : `:${end.port}`;
  if (end.name === undefined) return <span class="end">{`${end.address}${port}`}</span>;
  return (
    <span class="end" title={`${end.address}${port}`}>
      <b>{end.name}</b>
      {port}
    </span>
  );
}
