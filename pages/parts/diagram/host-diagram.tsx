/** Netfilter's own diagram of a host, filled with what flowed. */
import { useMemo, useRef } from 'preact/hooks';
import type { Station } from '../../../explain/report/format/course.js';
import { WIDEST } from '../../data/diagram/bands.js';
import { sumOf } from '../../data/diagram/host-flow.js';
import type { Shape } from '../../data/diagram/layout.js';
import { amountsBetween, amountsOf, type DiagramModel, diagramModel, mostOf } from '../../data/diagram/model.js';
import { counted, grouped } from '../../words/numbers.js';
import { useWidth } from '../use-width.js';
import { BandLabels } from './band-labels.js';
import { type Band, BandLayer } from './band-layer.js';
import { Ends } from './ends.js';
import { HookBox } from './hook-box.js';
import { InterfaceCards } from './interface-cards.js';
import { boxStyle, type DiagramProps, type PartProps, partClass } from './part.js';
import './host-diagram.css';

export function HostDiagram(props: DiagramProps) {
  const ref = useRef<HTMLDivElement>(null);
  const width = useWidth(ref);
  // On large screens all of it is larger, not only the space between.
  const scale = Math.min(1.4, Math.max(1, width / 1500));
  return (
    <div class={`diagram${props.isQuiet ? ' quiet' : ''}${props.course ? ' followed' : ''}`} ref={ref}>
      {width > 0 && <Drawing {...props} width={Math.floor(width / scale)} scale={scale} />}
    </div>
  );
}

function Drawing({ width, scale, ...props }: DiagramProps & { readonly width: number; readonly scale: number }) {
  const { picture, rules, flow, isSparse = false, course, reached } = props;
  const model = useMemo(
    () => diagramModel({ picture, rules, flow, isSparse }, width),
    [picture, rules, flow, isSparse, width],
  );
  const visited = useMemo(
    () => new Set((course ?? []).flatMap(({ station, place }): string[] => [station, place])),
    [course],
  );
  const bands = useMemo(() => bandsOf(model, props), [model, flow, props.chosen, course, reached]);
  const most = useMemo(() => mostOf(model, flow), [model, flow]);
  const { layout } = model;
  const parts: PartProps = { ...props, model, visited };
  return (
    <section
      class={`drawing${layout.isTall ? ' tall' : ''}`}
      aria-label="The host and what flowed through it"
      style={{ width: `${layout.width}px`, height: `${layout.height}px`, zoom: scale }}
    >
      <BandLayer layout={layout} bands={bands} most={most} />
      {!props.isQuiet && <BandLabels layout={layout} bands={bands} most={most} />}
      <InterfaceCards side="in" {...parts} />
      <Bar shape="link" place="link" {...parts} />
      <HookBox hook="PREROUTING" {...parts} />
      <RoutingBox {...parts} />
      <HookBox hook="INPUT" {...parts} />
      <HostBox {...parts} />
      <HookBox hook="OUTPUT" {...parts} />
      <HookBox hook="FORWARD" {...parts} />
      <HookBox hook="POSTROUTING" {...parts} />
      <Bar shape="egress" place="egress" {...parts} />
      <InterfaceCards side="out" {...parts} />
    </section>
  );
}

function bandsOf({ layout, inCards, outCards }: DiagramModel, props: DiagramProps): Band[] {
  const { flow, chosen, course = [], reached = course.length } = props;
  const steps = new Map<string, Band['course']>(
    course.map(({ station }, i) => [`${course[i - 1]?.station} ${station}`, i <= reached ? 'done' : 'ahead']),
  );
  const between = layout.edges.map(({ from, to, line }): Band => {
    const [all, some] = [flow, chosen].map((one) => amountsBetween(one, from, to));
    const name = `${from} ${to}`;
    return { key: name, line, all, chosen: some, isDirected: true, course: steps.get(name) };
  });
  const ofCards = (['in', 'out'] as const).flatMap((side) => {
    const cards = side === 'in' ? inCards : outCards;
    return (side === 'in' ? layout.inEdges : layout.outEdges).map(({ card, line }): Band => {
      const { devs } = cards[card];
      const [all, some] = [flow, chosen].map((one) => amountsOf(one, side, devs));
      const names = devs.map((dev) => (side === 'in' ? `in ${dev} link` : `egress out ${dev}`));
      const taken = names.map((name) => steps.get(name)).find((one) => one !== undefined);
      return { key: `${side}-${devs.join()}`, line, all, chosen: some, isDirected: false, course: taken };
    });
  });
  return [...ofCards, ...between];
}

/** Where the frames of all interfaces come together, or part. */
function Bar({ shape, place, ...props }: PartProps & { readonly shape: Shape; readonly place: 'link' | 'egress' }) {
  const { boxes, isTall } = props.model.layout;
  const box = boxes[shape];
  return (
    <>
      <div class={`bar${partClass(place, props)}`} style={boxStyle(box)} />
      <div
        class="bar-ends"
        style={{ left: `${box.x + (isTall ? WIDEST : box.width / 2)}px`, top: `${box.y + box.height + 4}px` }}
      >
        <Ends place={place} {...props} />
      </div>
    </>
  );
}

function RoutingBox(props: PartProps) {
  const { model, chosen, onPlace, looked } = props;
  const [forward, input] = (['FORWARD', 'INPUT'] as const).map((to) => sumOf(amountsBetween(chosen, 'routing', to)));
  return (
    <div class={`box routing${partClass('routing', props)}`} style={boxStyle(model.layout.boxes.routing)}>
      <button
        type="button"
        class="head"
        aria-pressed={looked === 'routing'}
        aria-label={`Routing decision: ${counted(forward, 'packet')} to be forwarded, ${counted(input, 'packet')} for the host`}
        onClick={() => onPlace('routing')}
      >
        routing
      </button>
      <p class="note">to the host, or onwards</p>
      <Ends place="routing" {...props} />
    </div>
  );
}

function HostBox(props: PartProps) {
  const { model, chosen, onPlace, looked, isQuiet } = props;
  const delivered = sumOf(amountsBetween(chosen, 'INPUT', 'host'));
  const made = chosen.edges.get('host > own routing')?.amounts;
  const answers = made?.at(-1) ?? 0;
  const sent = made === undefined ? 0 : sumOf(made) - answers;
  const isHere = (place: Station) => looked === place;
  return (
    <div class={`box host${partClass('host', props)}`} style={boxStyle(model.layout.boxes.host)}>
      <button
        type="button"
        class="head"
        aria-pressed={isHere('host')}
        aria-label={`This host: ${counted(delivered, 'packet')} reached it, ${counted(sent, 'packet')} and ${counted(answers, 'answer')} came from it`}
        onClick={() => onPlace('host')}
      >
        this host
      </button>
      <p class="note">{isQuiet ? 'local processes' : hostNote(delivered, sent)}</p>
      {answers > 0 && !isQuiet && <p class="note second">{counted(answers, 'answer')}</p>}
      <button
        type="button"
        class={`room${partClass('own routing', props)}`}
        aria-pressed={isHere('own routing')}
        aria-label={`Routing of the host's own packets`}
        onClick={() => onPlace('own routing')}
      >
        <span class="name">routing</span>
      </button>
      <Ends place="own routing" {...props} />
    </div>
  );
}

function hostNote(delivered: number, sent: number): string {
  const parts = [...(delivered > 0 ? [`${grouped(delivered)} in`] : []), ...(sent > 0 ? [`${grouped(sent)} out`] : [])];
  return parts.length === 0 ? 'local processes' : parts.join(' · ');
}
