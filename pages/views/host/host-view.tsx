/* Host */
import { useMemo, useState } from 'preact/hooks';
import type { RulesSection, Traversal } from '../../../explain/report/format/model.js';
import { hostFlow } from '../../data/diagram/host-flow.js';
import { stopOfStep } from '../../data/diagram/steps.js';
import type { TraversalTotals } from '../../data/result.js';
import { HostDiagram } from '../../parts/diagram/host-diagram.js';
import { Loading } from '../../parts/loading.js';
import { useLoaded } from '../../parts/use-loaded.js';
import type { ViewProps } from '../../selection.js';
import { FollowedPacket } from './followed-packet.js';
import { Legend } from './legend.js';
import { filterOfPlace, isChosen, placeOfFilter } from './place-filter.js';
import { placeName } from './place-name.js';
import { PlacePanel } from './place-panel.js';
import './host-view.css';

interface HostData {
  readonly rules: RulesSection;
  readonly traversals: readonly Traversal[];
  /** Of all packets, and of those that the filter chooses. */
  readonly all: TraversalTotals;
  readonly chosen: TraversalTotals;
  /** The traversal of the open packet. */
  readonly open: Traversal | undefined;
}

export function HostView(props: ViewProps) {
  const { result, rows, selection } = props;
  const { packet } = selection;
  const loaded = useLoaded(async (): Promise<HostData> => {
    const [rules, traversals, all] = await Promise.all([result.rules(), result.traversals(), result.traversalTotals()]);
    const chosen = rows === undefined ? all : await result.traversalTotals(rows);
    const number = packet === undefined ? undefined : (await result.packets()).traversal[packet];
    return { rules, traversals, all, chosen, open: number === undefined ? undefined : traversals[number] };
  }, [result, rows, packet]);
  return <Loading of={loaded}>{(data) => <HostPage {...props} {...data} />}</Loading>;
}

function HostPage({ rules, traversals, all, chosen, open, ...props }: ViewProps & HostData) {
  const { result, selection, select } = props;
  const picture = result.index.host;
  const flow = useMemo(() => hostFlow(traversals, all.packets, rules), [traversals, all, rules]);
  const some = useMemo(() => (all === chosen ? flow : hostFlow(traversals, chosen.packets, rules)), [flow, chosen]);
  const course = open?.course;
  const { step = 0 } = selection;
  const reached = course && stopOfStep(course, step);
  const [clicked, setClicked] = useState<string>();
  const { filter } = selection;
  const looked = clicked !== undefined && isChosen(clicked, filter) ? clicked : placeOfFilter(filter);
  const look = (place: string) => {
    const isAgain = place === looked;
    setClicked(isAgain ? undefined : place);
    select({ filter: filterOfPlace(isAgain ? undefined : place, filter) });
  };
  return (
    <div class="host-view">
      <div class="host-page">
        {open && (
          <FollowedPacket
            {...{ rules, traversal: open, place: placeName(course![reached!].place, picture), selection, select }}
          />
        )}
        <div>
          <HostDiagram
            {...{ picture, rules, flow, chosen: some, looked, course, reached }}
            onPlace={look}
            onEnd={(place, kind) => {
              setClicked(place);
              // What became of answers is no property of the packets that a filter can choose.
              if (kind === 'answers') return;
              select({ filter: { ...filterOfPlace(undefined, filter), end: place, verdict: kind } });
            }}
          />
          <Legend flow={flow} isFiltered={some !== flow} />
        </div>
        <PlacePanel {...{ picture, rules, flow: some, place: looked, selection, select }} onPlace={look} />
      </div>
    </div>
  );
}
