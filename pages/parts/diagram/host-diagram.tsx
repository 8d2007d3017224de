/** Netfilter's own diagram of a host, filled with what flowed. */
import { useMemo, useRef } from 'preact/hooks';
import { type Line, WIDEST } from '../../data/diagram/bands.js';
import { ANSWERS, edgeName, sumOf } from '../../data/diagram/host-flow.js';
import type { Shape } from '../../data/diagram/layout.js';
import { amountsOf, type DiagramModel, diagramModel, edgesOf, HOST_EDGE } from '../../data/diagram/model.js';
import { counted, grouped } from '../../words/numbers.js';
import { useWidth } from '../use-width.js';
import { BandLabels } from './band-labels.js';
import { type Band, BandLayer } from './band-layer.js';
import { Ends } from './ends.js';
import { HookBox } from './hook-box.js';
import { InterfaceCards } from './interface-cards.js';
import { boxStyle, type DiagramProps, type PartProps, partClass } from './part.js';
import { PlaceButton } from './place-button.js';
import './host-diagram.css';

export function HostDiagram(props: DiagramProps) {
  const ref = useRef<HTMLDivElement>(null);
  const width = useWidth(ref);
  // On large screens all of it is larger, not only the space between.
  const scale = Math.min(1.4, Math.max(1, width / 1500));
  return (
    <div class={`host-diagram${props.isQuiet ? ' quiet' : ''}${props.course ? ' followed' : ''}`} ref={ref}>
      {width > 0 && <Drawing {...props} width={Math.floor(width / scale)} scale={scale} />}
    </div>
  );
}

function Drawing({ width, scale, ...props }: DiagramProps & { readonly width: number; readonly scale: number }) {
  const { picture, rules, flow, isSparse = false, course } = props;
  const model = useMemo(
    () => diagramModel({ picture, rules, flow, isSparse }, width),
    [picture, rules, flow, isSparse, width],
  );
  const visited = new Set((course ?? []).flatMap(({ station, place }): string[] => [station, place]));
  const bands = bandsOf(model, props);
  const most = Math.max(0, ...bands.map(({ all }) => sumOf(all)));
  const { layout } = model;
  const parts: PartProps = { ...props, model, visited };
  return (
    <section
      class={`drawing${layout.isTall ? ' tall' : ''}`}
      aria-label="The host and what flowed through it"
      style={{ width: `${layout.width}px`, height: `${layout.height}px`, zoom: scale }}
    >
      <BandLayer layout={layout} bands={bands} most={most} />
      {!props.isQuiet && <BandLabels bands={bands} most={most} />}
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
    course.slice(1).map(({ station }, i) => [edgeName(course[i].station, station), i < reached ? 'done' : 'ahead']),
  );
  const band = (line: Line, names: readonly string[]): Band => ({
    ...{ key: names.join(), line, all: amountsOf(flow, names), chosen: amountsOf(chosen, names) },
    course: names.map((name) => steps.get(name)).find((one) => one !== undefined),
  });
  return [
    ...layout.inEdges.map((line, i) => band(line, edgesOf('in', inCards[i].devs))),
    ...layout.outEdges.map((line, i) => band(line, edgesOf('out', outCards[i].devs))),
    ...layout.edges.map(({ from, to, line }) => ({ ...band(line, [edgeName(from, to)]), isDirected: true })),
  ];
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
  return (
    <div class={`box routing${partClass('routing', props)}`} style={boxStyle(props.model.layout.boxes.routing)}>
      <PlaceButton {...props} place="routing" class="head" label="Routing decision">
        routing
      </PlaceButton>
      <p class="note">forward, or deliver</p>
      <Ends place="routing" {...props} />
    </div>
  );
}

function HostBox(props: PartProps) {
  const { model, chosen } = props;
  const delivered = sumOf(amountsOf(chosen, [edgeName('INPUT', 'host')]));
  const made = amountsOf(chosen, [HOST_EDGE]);
  const answers = made[ANSWERS];
  const sent = sumOf(made) - answers;
  const words = [
    `${grouped(delivered)} in`,
    `${grouped(sent)} out`,
    ...(answers > 0 ? [counted(answers, 'answer')] : []),
  ];
  return (
    <div class={`box host${partClass('host', props)}`} style={boxStyle(model.layout.boxes.host)}>
      <PlaceButton {...props} place="host" class="head" label={`This host: ${words.join(', ')}`}>
        this host
      </PlaceButton>
      <p class="note">{props.isQuiet ? 'local processes' : words.slice(0, 2).join(' · ')}</p>
      {answers > 0 && !props.isQuiet && <p class="note second">{words[2]}</p>}
      <PlaceButton
        {...props}
        place="own routing"
        class={`entry${partClass('own routing', props)}`}
        label="Routing of the host's own packets"
      >
        routing
      </PlaceButton>
      <Ends place="own routing" {...props} />
    </div>
  );
}
