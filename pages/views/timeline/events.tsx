import type { RulesSection, TimelineEvent } from '../../../explain/report/format/model.js';
import type { Range } from '../../data/timeline-bars.js';
import { RuleLink } from '../../parts/rule-link.js';
import type { ViewProps } from '../../selection.js';
import { counted } from '../../words/numbers.js';
import { type ChartPlace, LEFT, pixelOf, wordsOf } from './place.js';

const SIGNS: Readonly<Record<TimelineEvent['kind'], string>> = { change: '▲', set: '◆', limit: '■', expired: '●' };
/** Marks that are nearer to each other are one. */
const MARK_PIXELS = 18;
/** Words need so much room. */
const WORDS_PIXELS = 70;
const MOST_IN_TITLE = 12;

interface EventsProps {
  readonly events: readonly TimelineEvent[];
  readonly place: ChartPlace;
  readonly choose: (time: Range) => void;
}

/** Where something happened, below the time of packets. */
export function EventLane({ events, place, choose }: EventsProps) {
  const { inner } = place;
  const marks: { x: number; here: TimelineEvent[] }[] = [];
  for (const event of events) {
    const x = Math.min(pixelOf(place, event.timeNs), inner - MARK_PIXELS);
    const last = marks[marks.length - 1];
    if (x < 0 || event.timeNs > place.axis.toTime(place.to)) continue;
    if (last && x - last.x < MARK_PIXELS) last.here.push(event);
    else marks.push({ x, here: [event] });
  }
  return (
    <div class="event-lane" style={{ marginLeft: `${LEFT}px`, width: `${inner}px` }}>
      {marks.map(({ x, here }, i) => {
        const [{ kind, text, timeNs }] = here;
        const room = (marks[i + 1]?.x ?? inner) - x - 2;
        const words = here[1] ? counted(here.length, 'event') : text;
        const lines = here.slice(0, MOST_IN_TITLE).map((one) => `${wordsOf(place, one.timeNs)}  ${one.text}`);
        return (
          <button
            type="button"
            key={`${timeNs} ${text}`}
            class={`event ${kind}`}
            style={{ left: `${x}px`, maxWidth: `${room}px` }}
            title={lines.join('\n')}
            onClick={() => choose(spanOf(here, events, place))}
          >
            <i aria-hidden="true">{SIGNS[kind]}</i>
            {room >= WORDS_PIXELS && ` ${words}`}
          </button>
        );
      })}
    </div>
  );
}

/** From the first to the last of EVENTS, of ALL; what was changed holds until the next change. */
function spanOf(events: readonly TimelineEvent[], all: readonly TimelineEvent[], { axis }: ChartPlace): Range {
  const last = events[events.length - 1].timeNs;
  const next = all.find(({ kind, timeNs }) => kind === 'change' && timeNs > last)?.timeNs ?? axis.toTime(axis.max) + 1;
  const ends = events.map(({ kind, timeNs, untilNs = kind === 'change' ? next - 1 : timeNs }) => untilNs);
  return [events[0].timeNs, Math.max(...ends)];
}

/** All events as a list. */
export function EventList(
  props: EventsProps & Pick<ViewProps, 'selection' | 'select'> & { readonly rules: RulesSection },
) {
  const { events, place, choose, ...rest } = props;
  if (!events[0]) return null;
  return (
    <section class="event-list">
      <h2>Events</h2>
      <ul>
        {events.map((event) => {
          const { timeNs, untilNs, kind, text, rule } = event;
          return (
            <li key={`${timeNs} ${text}`}>
              <button
                type="button"
                class="link"
                title="Choose this time"
                onClick={() => choose(spanOf([event], events, place))}
              >
                {wordsOf(place, timeNs)}
                {untilNs && ` – ${wordsOf(place, untilNs)}`}
              </button>
              <span>
                <i class={kind} aria-hidden="true">
                  {SIGNS[kind]}
                </i>{' '}
                {text} {rule !== undefined && <RuleLink rule={rule} {...rest} />}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
