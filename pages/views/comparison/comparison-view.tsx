/** Old beside new, only what differs; or what the host sent beside what the emulated host sends. */
import type { Comparison } from '../../../explain/report/format/comparison.js';
import { Loading } from '../../parts/loading.js';
import { useLoaded } from '../../parts/use-loaded.js';
import type { ViewProps } from '../../selection.js';
import { CounterDifferences } from './counter-differences.js';
import { Differences } from './differences.js';
import { EgressDifferences } from './egress-differences.js';
import { RuleDifferences } from './rule-differences.js';
import './comparison-view.css';

export function ComparisonView(props: ViewProps) {
  const { report, result } = props;
  if (report.index.isComparison) return <ComparedRuns {...props} />;
  const { egress, counters } = result.index.summary ?? {};
  return (
    <>
      {counters && <CounterDifferences counters={counters} />}
      {egress && <EgressDifferences egress={egress} {...props} />}
    </>
  );
}

function ComparedRuns(props: ViewProps) {
  const { report, select } = props;
  const [old, other] = report.results;
  const loaded = useLoaded(
    () => Promise.all([report.section<Comparison>('comparison'), old.rules(), other.rules()]),
    [report],
  );
  return (
    <Loading of={loaded}>
      {([comparison, oldRules, newRules]) => (
        <>
          <Differences {...{ comparison, select }} results={[old, other]} rules={[oldRules, newRules]} />
          <RuleDifferences {...{ select }} results={[old, other]} rules={[oldRules, newRules]} />
        </>
      )}
    </Loading>
  );
}
