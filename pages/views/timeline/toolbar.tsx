import type { TimeAxis } from '../../data/time-folding.js';
import type { Range } from '../../data/timeline-bars.js';
import type { Measure } from './charts.js';
import type { Zoom } from './use-zoom.js';

export function Toolbar(props: {
  readonly measure: Measure;
  readonly setMeasure: (measure: Measure) => void;
  readonly isAbsolute: boolean;
  readonly setAbsolute: (isAbsolute: boolean) => void;
  /** There are silences to fold. */
  readonly canFold: boolean;
  readonly isFolding: boolean;
  readonly setFolding: (isFolding: boolean) => void;
  readonly axis: TimeAxis;
  readonly zoom: Zoom;
  readonly time: Range | undefined;
  readonly choose: (time: Range | undefined) => void;
}) {
  const { canFold, isFolding, setFolding, axis, zoom, time, choose } = props;
  const zoomIn = () => (time ? zoom.show(axis.toPlace(time[0]), axis.toPlace(time[1] + 1)) : zoom.by(0.5));
  const buttons: [label: string, action: () => void, isOff: boolean][] = [
    [time ? 'Zoom to selection' : 'Zoom in', zoomIn, false],
    ['Zoom out', () => zoom.by(2), zoom.isWhole],
    ['Reset zoom', zoom.reset, zoom.isWhole],
    ['Clear selection', () => choose(undefined), !time],
  ];
  return (
    <div class="timeline-tools">
      <Choice label="Show" values={['packets', 'bytes', 'drops']} value={props.measure} choose={props.setMeasure} />
      <Choice
        label="Time"
        values={['from start', 'UTC']}
        value={props.isAbsolute ? 'UTC' : 'from start'}
        choose={(value) => props.setAbsolute(value === 'UTC')}
      />
      {canFold && (
        <label>
          <input type="checkbox" checked={isFolding} onChange={() => setFolding(!isFolding)} /> Fold silence
        </label>
      )}
      <span class="timeline-zoom">
        {buttons.map(([label, action, isOff]) => (
          <button type="button" key={label} onClick={action} disabled={isOff}>
            {label}
          </button>
        ))}
      </span>
    </div>
  );
}

/** One of VALUES. */
function Choice<T extends string>(props: {
  readonly label: string;
  readonly values: readonly T[];
  readonly value: T;
  readonly choose: (value: T) => void;
}) {
  const { label, values, value, choose } = props;
  return (
    <fieldset class="choice" aria-label={label}>
      {values.map((one) => (
        <label key={one}>
          <input type="radio" name={label} checked={one === value} onChange={() => choose(one)} />
          <span>{one}</span>
        </label>
      ))}
    </fieldset>
  );
}
