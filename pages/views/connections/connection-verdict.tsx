import { VerdictMark } from '../../parts/verdict-mark.js';
import type { ConnectionVerdict } from './connection-facts.js';

/** The verdict of a connection, which may also be that it expired. */
export function ConnectionVerdictMark({ verdict }: { readonly verdict: ConnectionVerdict }) {
  if (verdict !== 'expired') return <VerdictMark verdict={verdict} />;
  return (
    <span class="verdict expired" title="Its entry had timed out when there were still packets">
      <i aria-hidden="true">⧗</i> expired
    </span>
  );
}
