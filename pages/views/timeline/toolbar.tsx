import type { ComponentChildren } from 'preact';
import type { TimeAxis } from '../../data/time-folding.js';
import type { Range } from '../../data/timeline-bars.js';
import type { Measure } from './charts.js';
import type { Zoom } from './use-zoom.js';

/** A value, and what gives it another one. */
export type State<T> = readonly [value: T, set: (value: T) => void];

export function Toolbar(props: {
  readonly measure: State<Measure>;
  readonly isAbsolute: State<boolean>;
  /** Undefined: there are no silences to fold. */
  readonly isFolding: State<boolean> | undefined;
  readonly axis: TimeAxis;
  readonly zoom: Zoom;
  readonly time: Range | undefined;
  readonly choose: (time: Range | undefined) => void;
}) {
  const { measure, isAbsolute, isFolding, axis, zoom, time, choose } = props;
  const zoomIn = () => (time ? zoom.show(axis.toPlace(time[0]), axis.toPlace(time[1] + 1)) : zoom.by(0.5));
  const button = (label: string, onClick: () => void, disabled = false) => (
    <button type="button" {...{ onClick, disabled }}>
      {label}
    </button>
  );
  return (
    <div class="timeline-tools">
      <fieldset class="choice" aria-label="Show">
        {(['packets', 'bytes', 'drops'] as const).map((one) => (
          <label key={one}>
            <input type="radio" name="measure" checked={one === measure[0]} onChange={() => measure[1](one)} />
            <span>{one}</span>
          </label>
        ))}
      </fieldset>
      <Check state={isAbsolute}>Time of day (UTC)</Check>
      {isFolding && <Check state={isFolding}>Fold silence</Check>}
      <span class="timeline-zoom">
        {button(time ? 'Zoom to selection' : 'Zoom in', zoomIn)}
        {button('Zoom out', () => zoom.by(2), zoom.isWhole)}
        {button('Reset zoom', zoom.reset, zoom.isWhole)}
        {button('Clear selection', () => choose(undefined), !time)}
      </span>
    </div>
  );
}

function Check({
  state: [value, set],
  children,
}: {
  readonly state: State<boolean>;
  readonly children: ComponentChildren;
}) {
  return (
    <label>
      <input type="checkbox" checked={value} onChange={() => set(!value)} /> {children}
    </label>
  );
}
