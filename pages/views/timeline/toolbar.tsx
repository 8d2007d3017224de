import type { TimeAxis } from '../../data/time-folding.js';
import type { Range } from '../../data/timeline-bars.js';
import type { Measure } from './plots.js';
import type { Zoom } from './use-zoom.js';

const MEASURES: readonly Measure[] = ['packets', 'bytes', 'drops'];

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
  const { measure, setMeasure, isAbsolute, setAbsolute, canFold, isFolding, setFolding, axis, zoom, time, choose } =
    props;
  const zoomIn = () => {
    if (time === undefined) return zoom.by(0.5);
    zoom.show(axis.toPlace(time[0]), axis.toPlace(time[1] + 1));
  };
  return (
    <div class="timeline-tools">
      <Choice label="Show" values={MEASURES} value={measure} choose={setMeasure} />
      <Choice
        label="Time"
        values={['from start', 'UTC']}
        value={isAbsolute ? 'UTC' : 'from start'}
        choose={(value) => setAbsolute(value === 'UTC')}
      />
      {canFold && (
        <label>
          <input type="checkbox" checked={isFolding} onChange={() => setFolding(!isFolding)} /> Fold silence
        </label>
      )}
      <span class="timeline-zoom">
        <button type="button" onClick={zoomIn}>
          {time === undefined ? 'Zoom in' : 'Zoom to selection'}
        </button>
        <button type="button" onClick={() => zoom.by(2)} disabled={zoom.isWhole}>
          Zoom out
        </button>
        <button type="button" onClick={zoom.reset} disabled={zoom.isWhole}>
          Reset zoom
        </button>
        <button type="button" onClick={() => choose(undefined)} disabled={time === undefined}>
          Clear selection
        </button>
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
